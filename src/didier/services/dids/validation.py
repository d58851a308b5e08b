"""Whether values may be stored in the columns of a DID: their rules, and what they refer to."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy.engine import Connection

from didier.domain import fields
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
        for column, value in one.referring():
            if column not in unchecked:
                wanted[one.place(column)].add(value)
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
class _CheckedRow:
    """The values that somebody gives to a DID, what they see, and what it has already."""

    row: Values
    sight: Visibility
    had: Image

    def referring(self) -> Iterator[tuple[str, str]]:
        """Yield the columns, and their values, that have to stand somewhere else."""
        for column, value in self.row.items():
            field = fields.BY_COLUMN[column]
            refers = value and field.refers_to and value not in field.special and not field.rule(value)
            if value and refers and not self._has(column, value):
                yield column, value

    def place(self, column: str) -> _Place:
        """Return where a value of *column* has to stand."""
        reference = fields.BY_COLUMN[column].refers_to
        return reference, self.sight.users if reference == fields.USERS else self.sight.groups

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
    referring = dict(checked.referring()) if missing else {}
    for column, value in checked.row.items():
        if column not in there:
            return InvalidField(column, value or "", "nothing: this VICIdial is too old to have this column")
        if bad := fields.problem(column, value, api=lenient):
            return bad
        if checked.is_other_group(column, value):
            return _unknown(column, value or "")
        if column in referring and column not in unchecked and value in missing[checked.place(column)]:
            return _unknown(column, referring[column])
    return None


def _unknown(column: str, value: str) -> UnknownReference:
    reference = fields.BY_COLUMN[column].refers_to
    return UnknownReference(column, value, f"a value of {reference}", fields.KINDS[reference])


def own_group_problem(user: User, columns: Collection[str]) -> InvalidField | None:
    """Refuse *columns* in which targets have values of their own, when a limited user names the group there.

    The group of each target would have to be looked at; a limited user gives one to the order as a whole.
    """
    if "user_group" not in columns or user.visible_groups() is None:
        return None
    allowed = "set only for the whole order, by users who see only some groups"
    return InvalidField("user_group", "", allowed)
