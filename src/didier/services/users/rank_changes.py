"""New ranks of users: what is refused of them, and what is written."""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy.engine import Connection

from didier.domain import ranks
from didier.domain.ranks import NewRank
from didier.errors import InvalidField
from didier.services.users.account_orders import UpdateUserOrder
from didier.services.users.account_writing import entry
from didier.storage.changes.vicidial_logs import AdminEntry
from didier.storage.users import ranks as stored

Refused = Mapping[NewRank, InvalidField]
"""The new ranks that cannot be given, and why."""


def refused(conn: Connection, orders: Sequence[UpdateUserOrder]) -> Refused:
    """Return what cannot be carried out of the new ranks in *orders*."""
    wanted = {new for order in orders for new in order.ranks}
    return {new: problem for new in wanted if (problem := _problem(conn, new))}


def _problem(conn: Connection, new: NewRank) -> InvalidField | None:
    if problem := ranks.problem(new):
        return problem
    if not stored.are_kept(conn, new.place):
        return InvalidField(f"{new.place.word}_ranks", "", "nothing: Didier may not change ranks here")
    if new.only is not None and not stored.is_there(conn, new.place, new.only):
        return InvalidField(new.place.key, new.only, f"a value of {new.place.key} that is there")
    return None


def write(conn: Connection, order: UpdateUserOrder, user: str) -> Iterator[AdminEntry]:
    """Give *user* the ranks of *order*; yield what the admin log says of each."""
    for new in order.ranks:
        done = stored.write(conn, user, new)
        numbers = f"|rank: {new.rank}|grade: {new.grade}|rows: {done.rows}|{done.live}|{told(new)}"
        sql = stored.as_sql(user, new)
        yield entry(order.caller, order.name, "MODIFY", "UPDATE USER RANK", numbers, sql=sql)


def told(new: NewRank) -> str:
    """Return how VICIdial says that a rank counts in one campaign or in-group alone."""
    return "" if new.only is None else f"|{new.only}|1"
