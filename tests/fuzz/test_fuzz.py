"""The parsers of what comes from outside, fuzzed: with the corpus that is kept, and with what grows from it.

    make fuzz                      longer
    make fuzz FUZZ=100000          that many inputs for each target

An input that fails is written into the corpus by whoever finds it, and is tried first from then on.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "300"))


def corpus(name):
    return {file.name: file.read_bytes() for file in sorted((CORPUS / name).iterdir())}


def test_every_target_has_a_corpus():
    """Each target has inputs that are kept, and there are none without a target."""
    assert set(TARGETS) == {directory.name for directory in CORPUS.iterdir()}


@pytest.mark.parametrize(
    ("name", "file"), [(name, file) for name in TARGETS if (CORPUS / name).is_dir() for file in corpus(name)]
)
def test_corpus(name, file):
    """Inputs that are known, those that failed once among them."""
    TARGETS[name](corpus(name)[file])


def grown(seeds):
    """Return a strategy of inputs that are made of pieces of *seeds*, of tokens in them and of anything."""
    pieces = sorted(
        {
            seed[start : start + size]
            for seed in seeds
            for size in (1, 2, 5, 17)
            for start in range(0, len(seed), size)
        }
    )
    part = st.one_of(st.sampled_from(pieces), st.sampled_from(sorted(seeds)), st.binary(max_size=6))
    return st.one_of(st.lists(part, max_size=24).map(b"".join), st.binary(max_size=200))


@pytest.mark.parametrize("name", TARGETS)
def test_grown(name):
    """Inputs that nobody has thought of raise nothing, and keep what the target promises."""

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(grown(set(corpus(name).values())))
    def run(data):
        TARGETS[name](data)

    run()
