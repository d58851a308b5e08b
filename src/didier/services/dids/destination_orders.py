"""Orders of callers about in-groups, call menus, phones and servers, and what becomes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from didier.domain.destinations import Kind
from didier.errors import (
    DestinationExists,
    DestinationInUse,
    DestinationNotFound,
    InvalidField,
    NothingToChange,
    NotPermitted,
    VicidialOwned,
)
from didier.services.users.authentication import Caller
from didier.storage.dids.destination_rows import Option

Values = Mapping[str, str | None]
"""Values by column; None empties a column."""


@dataclass(frozen=True, slots=True)
class AddDestination:
    """An order for a new thing; *options* are those of a call menu."""

    caller: Caller
    kind: Kind
    values: Values
    options: Sequence[Option] = ()


@dataclass(frozen=True, slots=True)
class UpdateDestination:
    """An order to set columns of a thing, and *options*, unless they are None, in place of all it has."""

    caller: Caller
    kind: Kind
    key: tuple[str, ...]
    values: Values
    options: Sequence[Option] | None = None


@dataclass(frozen=True, slots=True)
class DeleteDestination:
    """An order to delete a thing; with *force* also one that DIDs or call menus lead to."""

    caller: Caller
    kind: Kind
    key: tuple[str, ...]
    force: bool = False


NotChangeable = NotPermitted | VicidialOwned
AddRefused = NotChangeable | InvalidField | DestinationExists
UpdateRefused = NotChangeable | InvalidField | NothingToChange | DestinationNotFound
DeleteRefused = NotChangeable | DestinationNotFound | DestinationInUse
