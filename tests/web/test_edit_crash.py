"""kill -9 in the middle of large edits and of their undo: each ends as if nothing had happened."""

import json
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.crashing import Crashing, crashing
from support.mariadb import MariaDB, running_mariadb
from support.measurements import note

ROUNDS = int(os.environ.get("EDIT_CRASH_ROUNDS", "1"))
SIZE = 1_500


@pytest.fixture(scope="module")
def database() -> Iterator[MariaDB]:
    """A database server that these tests may kill."""
    with running_mariadb() as server:
        yield server


class Edits(Crashing):
    """Edits of many DIDs, in each of which something is killed."""

    def look(self, gone: Collection[str] = ()) -> None:
        """Check what there is of edits."""
        self.home.check_edits()

    def order(self, verb: str, first: int, mode: str = "atomic", **more: object) -> int:
        """Edit a block of numbers, and crash meanwhile; return the batch."""
        body = {"verb": verb, "ranges": [f"{first}-{first + SIZE - 1}"], "mode": mode, **more}
        return self._ended(self.send("/batches", json.dumps(body)), "done")

    def undo(self, batch_id: int, *, force: bool = False) -> None:
        """Undo a batch, and crash meanwhile."""
        self._ended(self.send(f"/batches/{batch_id}/undo", json.dumps({"force": force})), "undone")

    def _ended(self, batch_id: int, state: str) -> int:
        self.crash(batch_id)
        self.end(batch_id)
        batch = self.home.batch(batch_id)
        assert (state, None) == (batch["state"], batch["failure"])
        self.look()
        return batch_id

    def there(self, first: int) -> dict[str, str]:
        """Return the descriptions of the DIDs of a block."""
        numbers = {str(first + place) for place in range(SIZE)}
        return {name: text for name, text in self.home.descriptions().items() if name in numbers}


@pytest.fixture
def edits(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str, str], Edits]]:
    """Starts a server on a database of a kind."""
    with ExitStack() as stack:
        yield lambda kind, victim: stack.enter_context(
            crashing(Edits, kind, victim, tmp_path, lambda: request.getfixturevalue("database"))
        )


@pytest.mark.parametrize(
    ("kind", "victim"),
    [
        ("sqlite", "didier"), ("InnoDB", "didier"), ("MyISAM", "didier"),
        ("InnoDB", "database"), ("MyISAM", "database"),
    ],
)  # fmt: skip
def test_every_edit_ends_as_if_nothing_had_happened(edits, kind, victim):
    """Additions, updates, deletions, and the undo of each, while another program changes one of the DIDs."""
    crashes = edits(kind, victim)
    for place in range(ROUNDS):
        first = 5_550_000 + place * SIZE
        names = [str(first + n) for n in range(SIZE)]
        added = crashes.order("add", first, values={"did_description": "Added line"})
        described = dict.fromkeys(names, "Added line")
        assert described == crashes.there(first)

        updated = crashes.order("update", first, values={"did_description": "Updated line"})
        assert dict.fromkeys(names, "Updated line") == crashes.there(first)

        crashes.home.change(names[700], did_description="By another program")
        changed = dict.fromkeys(names, "Updated line") | {names[700]: "By another program"}
        deleted = crashes.order("delete", first, "best_effort")
        assert {} == crashes.there(first)

        crashes.undo(deleted)
        assert changed == crashes.there(first)

        crashes.undo(updated)
        assert described | {names[700]: "By another program"} == crashes.there(first)

        crashes.undo(added, force=True)
        assert {} == crashes.there(first)
        assert "ok" == crashes.home.integrity()
    note(f"kill -9 of {victim} in large edits, {kind}", crashes.kills, crashes.kills, 0)
