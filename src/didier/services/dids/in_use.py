"""Where DIDs are used: a DID that call menus, campaigns or other DIDs name is deleted on purpose alone."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy.engine import Connection

from didier.domain.visibility import Visibility
from didier.errors import InUse
from didier.storage.dids import references

PLACES = 10
"""Most places that a refusal names in which a DID is in use."""

HIDDEN_PLACE = "something of another user group"
"""What a refusal says of places that the caller does not see."""


def refusals(
    conn: Connection, wanted: Iterable[tuple[Visibility, str]]
) -> dict[tuple[Visibility, str], InUse]:
    """Return the refusals of those patterns *wanted* that are in use, each with what is seen of that."""
    named: dict[Visibility, list[str]] = defaultdict(list)
    for sight, pattern in wanted:
        named[sight].append(pattern)
    return {
        (sight, pattern): InUse(pattern, found)
        for sight, patterns in named.items()
        for pattern, found in places(conn, patterns, sight).items()
    }


def places(conn: Connection, wanted: Sequence[str], sight: Visibility) -> dict[str, tuple[str, ...]]:
    """Return where the patterns *wanted* are used, `PLACES` of each at most.

    Of those that are not seen only is said that there are some, at the end.
    """
    places: dict[str, list[str]] = defaultdict(list)
    hidden = set()
    for use in references.of(conn, wanted, sight):
        if use.name is None:
            hidden.add(use.pattern)
            continue
        more = f" and {use.more} more" if use.more else ""
        detail = f", option {use.detail}" if use.kind == "call menu" else f" ({use.detail})"
        places[use.pattern].append(f"{use.kind} {use.name}{detail}{more}")
    rest = {pattern: (HIDDEN_PLACE,) if pattern in hidden else () for pattern in {*places, *hidden}}
    return {pattern: (*places[pattern][: PLACES - len(end)], *end) for pattern, end in rest.items()}
