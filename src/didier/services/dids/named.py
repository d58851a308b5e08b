"""Showing and deleting what a field of DIDs names, as schedules, and what storing it asks for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from sqlalchemy.engine import Connection

from didier.errors import DestinationInUse, DestinationNotFound, InvalidField, NotPermitted, Refusal
from didier.services.dids import validation
from didier.services.dids.destination_rules import HIDDEN_PLACE, PLACES, not_reached
from didier.services.users.authentication import Caller
from didier.storage.changes import vicidial_logs
from didier.storage.changes.vicidial_logs import AdminEntry
from didier.storage.dids.named import NamedTable


class Named(Protocol):
    """What has a name, and a user group that sees it."""

    @property
    def name(self) -> str:
        """The name by which DIDs have it."""

    @property
    def group(self) -> str:
        """The user group that sees it."""


Thing = TypeVar("Thing", bound=Named)


@dataclass(frozen=True, slots=True)
class DeleteNamed:
    """An order to delete a thing that no DID has."""

    caller: Caller
    name: str


@dataclass(frozen=True, slots=True)
class NamedThings(Generic[Thing]):
    """Things of a *kind* ("schedule") that DIDs have; *off* is the refusal where none are kept.

    *most* is how many there may be.
    """

    kind: str
    table: NamedTable[Thing]
    off: Callable[[], Refusal]
    most: int = 1_000

    def are_kept(self, conn: Connection) -> bool:
        """Say whether they are stored here."""
        return self.table.are_kept(conn)

    def page(
        self, conn: Connection, caller: Caller, text: str, limit: int, after: str
    ) -> tuple[list[Thing], str | None] | NotPermitted:
        """Return *limit* things that the caller sees, behind the name *after*, and the last name of these.

        *text* is a part of their names. The last is None where there are no more.
        """
        if missing := not_reached(caller, "list_dids"):
            return missing
        if not self.are_kept(conn):
            return [], None
        found = self.table.page(conn, text, caller.visibility.groups, limit + 1, after)
        return found[:limit], found[limit - 1].name if len(found) > limit else None

    def one(self, conn: Connection, caller: Caller, name: str) -> Thing | NotPermitted | DestinationNotFound:
        """Return a thing, if the caller sees it."""
        return not_reached(caller, "list_dids") or self._visible(conn, caller, name)

    def _visible(self, conn: Connection, caller: Caller, name: str) -> Thing | DestinationNotFound:
        found = self.table.one(conn, name) if self.are_kept(conn) else None
        if found and caller.visibility.sees_group(found.group):
            return found
        return DestinationNotFound(self.kind, name)

    def changeable(self, conn: Connection, caller: Caller, name: str) -> Thing | Refusal | None:
        """Return the thing that an order of the caller is to change, None where it is to be a new one."""
        if refused := self._not_changeable(conn, caller):
            return refused
        there = self.table.one(conn, name)
        if there:
            return self._visible(conn, caller, name)
        if self.table.count(conn) >= self.most:
            return InvalidField("name", name, f"one of the {self.most} that are there, or delete some first")
        return None

    def _not_changeable(self, conn: Connection, caller: Caller) -> Refusal | None:
        if missing := not_reached(caller, "update_did"):
            return missing
        return None if self.are_kept(conn) else self.off()

    def delete(self, conn: Connection, orders: Sequence[DeleteNamed], now: datetime) -> list[Thing | Refusal]:
        """Delete the things that *orders* name, unless DIDs have them."""
        return [self._delete(conn, order, now) for order in orders]

    def _delete(self, conn: Connection, order: DeleteNamed, now: datetime) -> Thing | Refusal:
        if refused := self._not_changeable(conn, order.caller):
            return refused
        there = self._visible(conn, order.caller, order.name)
        if isinstance(there, DestinationNotFound):
            return there
        if used := self.places(conn, order.caller, there):
            return DestinationInUse(self.kind, there.name, used)
        self.table.remove(conn, order.name)
        self.log(conn, order.caller, there.name, "DELETE", "", now)
        return there

    def places(self, conn: Connection, caller: Caller, there: Thing) -> tuple[str, ...]:
        """Return the DIDs that have a thing, as far as the caller sees them."""
        found = self.table.users(conn, there.name, PLACES + 1)
        sight = caller.visibility
        named = [
            f"DID {pattern}" if sight.sees(group, pattern) else HIDDEN_PLACE
            for pattern, group in found[:PLACES]
        ]
        more = ["further DIDs"] if len(found) > PLACES else []
        return tuple(dict.fromkeys([*named, *more]))

    def log(
        self, conn: Connection, caller: Caller, name: str, event: str, values: str, now: datetime
    ) -> None:
        """Write to VICIdial's admin log what *caller* did, with the values that were given."""
        entry = AdminEntry(
            user=caller.name,
            address=caller.address,
            type=event,
            record_id=name,
            code=f"ADMIN API {_CODES[event]} {self.kind.upper()}",
            notes=f"{self.kind}: {name} {values}",
            section=f"{self.kind.upper()}S",
        )
        vicidial_logs.write_admin(conn, [entry], now)


_CODES = {"ADD": "ADD", "MODIFY": "UPDATE", "DELETE": "DELETE"}


def group_problem(conn: Connection, caller: Caller, group: str | None) -> InvalidField | None:
    """Say why *caller* may not have the user group *group* see something; None names no group."""
    values = {"user_group": group} if group else {}
    return validation.problem_of_all(conn, values, caller.visibility)
