"""What Kamailio has in its table of numbers, compared without reading it out: a count, and a sum of hashes.

The hash is what ``kamailio.cfg`` can work out of an entry: Kamailio's own ``core_hash`` of the MD5 of
``number=value``. It finds what went missing by accident, and is no protection against anybody.
"""

import hashlib
import struct
from collections.abc import Iterable
from typing import NamedTuple

_words = struct.Struct(">8I").unpack
_SLOTS = (1 << 30) - 1
"""``{s.corehash,1073741824}``: numbers above 2^31 are none to Kamailio's expressions."""
_INT = 1 << 32
"""Kamailio's variables have 32 bits, with a sign."""


class Digest(NamedTuple):
    """How many *numbers* there are, and the *total* of their hashes."""

    numbers: int
    total: int


def digest(entries: Iterable[tuple[str, int]]) -> Digest:
    """Return what Kamailio says of *entries*, numbers and their values, in any order."""
    count = total = 0
    for number, value in entries:
        text = hashlib.md5(f"{number}={value}".encode(), usedforsecurity=False).hexdigest()
        total += _core_hash(text.encode())
        count += 1
    total %= _INT
    return Digest(count, total - _INT if total >= _INT // 2 else total)


def _core_hash(text: bytes) -> int:
    # get_hash1_raw of Kamailio's core/hashes.h, for the 32 characters of an MD5; a loop takes twice as long.
    a, b, c, d, e, f, g, h = _words(text)
    mixed = (
        (a ^ a >> 3) + (b ^ b >> 3) + (c ^ c >> 3) + (d ^ d >> 3)
        + (e ^ e >> 3) + (f ^ f >> 3) + (g ^ g >> 3) + (h ^ h >> 3)
    ) % _INT  # fmt: skip
    folded: int = (mixed + (mixed >> 11) + (mixed >> 13) + (mixed >> 23)) & _SLOTS
    return folded
