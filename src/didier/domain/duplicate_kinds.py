"""The kinds of duplicates among DIDs."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

Kind = Literal["spelling", "configuration", "destination"]

KINDS: Mapping[Kind, str] = MappingProxyType({
    "spelling": "one number in several spellings",
    "configuration": "set up alike",
    "destination": "several numbers for one destination",
})  # fmt: skip
"""The kinds of duplicates, and what they are called."""

FIELDS, FIELDS_MOST = 2, 3
"""In how many fields near groups may differ unless told, and at most."""
