"""Whether values may be stored in the columns of a DID: their rules, and what they refer to."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy.engine import Connection

from didier.domain import fields, route_texts
from didier.domain.users import User
from didier.domain.visibility import EVERYTHING, Visibility
from didier.errors import InvalidField, UnknownReference
from didier.storage import character_sets
from didier.storage.changes.change_log import Image
from didier.storage.dids import destinations, pages
from didier.storage.tables import DIDS

Values = Mapping[str, str | None]
"""Values by column; None and the empty text empty a field."""


def problem_of_all(
    conn: Connection, values: Values, sight: Visibility, had: Image | None = None
) -> InvalidField | None:
    """Say what is wrong with *values* that all DIDs of an order get, as in `problems`."""
    for column, value in values.items():
        if column not in fields.BY_COLUMN:
            return InvalidField(column, value or "", "a field of a DID")
    return problems(conn, [values], [sight], [had or _NOTHING])[0] if values else None


def problems(
    conn: Connection,
    rows: Sequence[Values],
    sights: Sequence[Visibility] = (),
    had: Sequence[Image] = (),
    *,
    lenient: bool = False,
) -> list[InvalidField | None]:
    """Return for each of *rows* what is wrong with its first bad value, in the row's order, or None.

    *sights* are what the callers see, without limit if there are none: to who sees some groups alone, what
    belongs to another is not there. What the DID has already, its row in *had*, they may say again.

    What a value refers to is looked up with one statement for each table, whatever the number of rows;
    tables that are not there are not looked at. *lenient* is VICIdial's own API: it does not look up
    everything, and a VICIdial that lacks a column ignores what is meant for it.
    """
    there = set(fields.BY_COLUMN) if lenient else pages.settable(conn)
    unchecked = fields.UNCHECKED_BY_VICIDIAL if lenient else frozenset()
    checked = [
        _CheckedRow(row, sight, image)
        for row, sight, image in zip(
            rows, sights or [EVERYTHING] * len(rows), had or [_NOTHING] * len(rows), strict=True
        )
    ]
    wanted: dict[_Place, set[str]] = defaultdict(set)
    for one in checked:
        for reference in one.referring():
            if reference.column not in unchecked:
                wanted[one.place(reference)].add(reference.value)
    missing = {
        place: destinations.missing(conn, place[0], found, place[1]) for place, found in wanted.items()
    }
    is_plain = all(value is None or value.isascii() for row in rows for value in row.values())
    encoding = None if is_plain else character_sets.encoding_of(conn, DIDS)
    return [
        _first_problem(one, there, missing, unchecked, lenient) or _bad_letters(one.row, encoding)
        for one in checked
    ]


def _bad_letters(row: Values, encoding: str | None) -> InvalidField | None:
    """Refuse the first value with letters that the table cannot hold: MariaDB would store question marks."""
    for column, value in row.items():
        if encoding and value and column not in _OWN and not character_sets.can_hold(encoding, value):
            return InvalidField(column, value, f"letters that the table of DIDs can hold ({encoding})")
    return None


_OWN = frozenset(field.column for field in fields.OWN_FIELDS)
_NOTHING: Image = MappingProxyType({})
_Place = tuple[str, frozenset[str] | None]
"""What a value refers to, and the groups in which it is looked for."""


@dataclass(frozen=True, slots=True)
class _Reference:
    """A *value* in a *column* that has to stand in what it *refers_to*."""

    column: str
    value: str
    refers_to: str


def _references(column: str, value: str) -> Iterator[_Reference]:
    """Yield what the *value* of a *column* refers to: each of a list of destinations for itself."""
    listed = [one.values for one in route_texts.listed(value)] if column == "fallbacks" else [{column: value}]
    for part, named in ((part, named) for values in listed for part, named in values.items()):
        field = fields.BY_COLUMN[part]
        if field.refers_to and named not in field.special:
            yield _Reference(column, named, field.refers_to)


@dataclass(frozen=True, slots=True)
class _CheckedRow:
    """The values that somebody gives to a DID, what they see, and what it has already."""

    row: Values
    sight: Visibility
    had: Image

    def referring(self) -> Iterator[_Reference]:
        """Yield what has to stand somewhere else."""
        for column, value in self.row.items():
            if value and not fields.BY_COLUMN[column].rule(value) and not self._has(column, value):
                yield from _references(column, value)

    def place(self, reference: _Reference) -> _Place:
        """Return where the value of a *reference* has to stand."""
        is_user = reference.refers_to == fields.USERS
        return reference.refers_to, self.sight.users if is_user else self.sight.groups

    def is_other_group(self, column: str, value: str | None) -> bool:
        """Say whether *value* is a user group to which the caller may not give the DID."""
        groups = self.sight.groups
        if column != "user_group" or groups is None or not value:
            return False
        return value.lower() not in groups and not self._has(column, value)

    def _has(self, column: str, value: str) -> bool:
        # Who sees everything is told of what the DID has, and is not there, as VICIdial tells.
        is_limited = (self.sight.groups, self.sight.users) != (None, None)
        return is_limited and str(self.had.get(column) or "").lower() == value.lower()


def _first_problem(
    checked: _CheckedRow,
    there: set[str],
    missing: Mapping[_Place, set[str]],
    unchecked: frozenset[str],
    lenient: bool,
) -> InvalidField | None:
    referring: dict[str, list[_Reference]] = defaultdict(list)
    for reference in checked.referring() if missing else ():
        referring[reference.column].append(reference)
    for column, value in checked.row.items():
        if column not in there:
            return InvalidField(column, value or "", "nothing: this VICIdial is too old to have this column")
        if bad := fields.problem(column, value, api=lenient):
            return bad
        if checked.is_other_group(column, value):
            return _unknown(_Reference(column, value or "", fields.BY_COLUMN[column].refers_to))
        for reference in referring[column] if column not in unchecked else ():
            if reference.value in missing[checked.place(reference)]:
                return _unknown(reference)
    return None


def _unknown(reference: _Reference) -> UnknownReference:
    place = reference.refers_to
    return UnknownReference(reference.column, reference.value, f"a value of {place}", fields.KINDS[place])


def destination_problem(
    conn: Connection, field: str, written: str, sight: Visibility
) -> UnknownReference | None:
    """Say what the destination *written* in a *field* names that is not there for who has *sight*."""
    found = problem_of_all(conn, {"fallbacks": written}, sight)
    if not isinstance(found, UnknownReference):
        return None
    return UnknownReference(field, found.value, found.allowed, found.kind)


def own_group_problem(user: User, columns: Collection[str]) -> InvalidField | None:
    """Refuse *columns* in which targets have values of their own, when a limited user names the group there.

    The group of each target would have to be looked at; a limited user gives one to the order as a whole.
    """
    if "user_group" not in columns or user.visible_groups() is None:
        return None
    allowed = "set only for the whole order, by users who see only some groups"
    return InvalidField("user_group", "", allowed)
