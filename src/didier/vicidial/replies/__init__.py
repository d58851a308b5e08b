"""Every line that the Non-Agent API answers. No other package knows these texts.

VICIdial's lines were recorded from version 2.14-202 (``tests/conformance``, whose scenarios are named here);
the README has the tutorial's.
"""
