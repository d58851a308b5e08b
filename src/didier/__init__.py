"""Didier provisions inbound phone numbers (DIDs) for call centres on VICIdial and Asterisk."""

from importlib.metadata import version

__version__ = version("didier")
