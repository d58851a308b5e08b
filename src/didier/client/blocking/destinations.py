# Generated from src/didier/client/awaiting/destinations.py by `make client`: change that file, not this one.
"""What DIDs lead to: in-groups, call menus, phones and servers."""

from collections.abc import Iterable, Iterator, Mapping

from didier.client import calls
from didier.client.blocking.connection import Connection
from didier.client.calls import PAGE
from didier.client.models import Destination
from didier.client.values import Given


class Destinations:
    """The in-groups, call menus, phones or servers of a client.

    A thing is named as the API has it: an in-group by its ``group_id``, a call menu by its ``menu_id``, a
    server by its ``server_id``, a phone by its ``extension`` and then its ``server_ip``. Changes raise
    `VicidialOwned` where they are VICIdial's.
    """

    def __init__(self, connection: Connection, path: str) -> None:
        self._connection = connection
        self._path = path

    def list(self, search: str | None = None, *, page_size: int = PAGE) -> Iterator[Destination]:
        """Yield the things, by what they are named by; *search* is a part of that or of their name."""
        return self._connection.pages(calls.destinations(self._path, search, page_size))

    def get(self, *key: str) -> Destination:
        """Return a thing."""
        return self._connection.send(calls.destination(self._path, key))

    def add(
        self,
        *,
        options: Iterable[Mapping[str, str]] | None = None,
        idempotency_key: str | None = None,
        **columns: Given,
    ) -> Destination:
        """Create a thing; *options* are those of a call menu, each a mapping of its columns."""
        return self._connection.send(calls.add_destination(self._path, columns, options, idempotency_key))

    def update(
        self, *key: str, options: Iterable[Mapping[str, str]] | None = None, **columns: Given
    ) -> Destination:
        """Set columns of a thing; *options*, unless they are None, in place of all that a call menu has."""
        return self._connection.send(calls.update_destination(self._path, key, columns, options))

    def delete(self, *key: str, force: bool = False) -> None:
        """Delete a thing; with *force* also one that DIDs or call menus lead to."""
        self._connection.send(calls.delete_destination(self._path, key, force))
