"""Whether values may be stored in the columns of a DID: their rules, and what they refer to."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from sqlalchemy.engine import Connection

from didier.domain import fields
from didier.domain.users import User
from didier.errors import InvalidField, UnknownReference
from didier.storage import references
from didier.storage.statements import columns_of
from didier.storage.tables import DIDS

Values = Mapping[str, str | None]
"""Values by column; None and the empty text empty a field."""


def problems(conn: Connection, rows: Sequence[Values], *, lenient: bool = False) -> list[InvalidField | None]:
    """Return for each of *rows* what is wrong with its first bad value, in the row's order, or None.

    What a value refers to is looked up with one statement for each table, whatever the number of rows;
    tables that are not there are not looked at. *lenient* is VICIdial's own API: it does not look up
    everything, and a VICIdial that lacks a column ignores what is meant for it.
    """
    there = set(fields.BY_COLUMN) if lenient else set(columns_of(conn, DIDS))
    unchecked = fields.UNCHECKED_BY_VICIDIAL if lenient else frozenset()
    wanted: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for column, value in _referring(row):
            if column not in unchecked:
                wanted[fields.BY_COLUMN[column].refers_to].add(value)
    missing = {reference: references.missing(conn, reference, found) for reference, found in wanted.items()}
    return [_first_problem(row, there, missing, unchecked) for row in rows]


def _referring(row: Values) -> Iterator[tuple[str, str]]:
    """Yield the columns of *row*, and their values, that have to stand somewhere else."""
    for column, value in row.items():
        field = fields.BY_COLUMN[column]
        if value and field.refers_to and value not in field.special and not field.rule(value):
            yield column, value


def _first_problem(
    row: Values, there: set[str], missing: Mapping[str, set[str]], unchecked: frozenset[str]
) -> InvalidField | None:
    referring = dict(_referring(row)) if missing else {}
    for column, value in row.items():
        if column not in there:
            return InvalidField(column, value or "", "nothing: this VICIdial is older and has no such column")
        if bad := fields.problem(column, value):
            return bad
        reference = fields.BY_COLUMN[column].refers_to
        if column in referring and column not in unchecked and value in missing[reference]:
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
    allowed = "set for the order, not for its targets, by users who see some groups alone"
    return InvalidField("user_group", "", allowed)


def group_problem(user: User, values: Values, group: str | None = None) -> UnknownReference | None:
    """Refuse a user group that *user* may not give to a DID which has *group* now.

    Who is limited to some groups gives a DID to one of them; what a DID has already may be said again.
    """
    wanted, visible = values.get("user_group"), user.visible_groups()
    if not wanted or visible is None or wanted.lower() in visible or wanted == group:
        return None
    return _unknown("user_group", wanted)
