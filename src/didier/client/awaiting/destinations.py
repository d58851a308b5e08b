"""What DIDs lead to: in-groups, call menus, phones and servers."""

from collections.abc import AsyncIterator, Iterable, Mapping

from didier.client import calls
from didier.client.awaiting.connection import AsyncConnection
from didier.client.calls import PAGE
from didier.client.models import Destination
from didier.client.values import Given


class AsyncDestinations:
    """The in-groups, call menus, phones or servers of a client.

    A thing is named as the API has it: an in-group by its ``group_id``, a call menu by its ``menu_id``, a
    server by its ``server_id``, a phone by its ``extension`` and then its ``server_ip``. Changes raise
    `VicidialOwned` where they are VICIdial's.
    """

    def __init__(self, connection: AsyncConnection, path: str) -> None:
        self._connection = connection
        self._path = path

    def list(self, search: str | None = None, *, page_size: int = PAGE) -> AsyncIterator[Destination]:
        """Yield the things, by what they are named by; *search* is a part of that or of their name."""
        return self._connection.pages(calls.destinations(self._path, search, page_size))

    async def get(self, *key: str) -> Destination:
        """Return a thing."""
        return await self._connection.send(calls.destination(self._path, key))

    async def add(
        self,
        *,
        options: Iterable[Mapping[str, str]] | None = None,
        idempotency_key: str | None = None,
        **columns: Given,
    ) -> Destination:
        """Create a thing; *options* are those of a call menu, each a mapping of its columns."""
        return await self._connection.send(
            calls.add_destination(self._path, columns, options, idempotency_key)
        )

    async def update(
        self, *key: str, options: Iterable[Mapping[str, str]] | None = None, **columns: Given
    ) -> Destination:
        """Set columns of a thing; *options*, unless they are None, in place of all that a call menu has."""
        return await self._connection.send(calls.update_destination(self._path, key, columns, options))

    async def delete(self, *key: str, force: bool = False) -> None:
        """Delete a thing; with *force* also one that DIDs or call menus lead to."""
        await self._connection.send(calls.delete_destination(self._path, key, force))
