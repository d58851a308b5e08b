"""Keeping a replica of what calls find their way by, and saying how old it is."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import structlog
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from didier.errors import Unavailable
from didier.runtime.outage import Outage
from didier.storage.calls import replica as storage
from didier.storage.calls.replica import State
from didier.storage.changes import ranges
from didier.storage.database import open_own, reading, writing
from didier.storage.failures import unavailable

FOLLOW_SECONDS = 1.0
"""How often the change log is asked."""

COMPARE_SECONDS = 30.0
"""How often the other tables are compared, and how often the state is stored."""

PASS_SECONDS = 300.0
"""How long after the beginning of a pass over all DIDs the next one begins."""

FIRST_SHARE, SHARE = 0.5, 0.05
"""Part of the time that the first pass takes, which copies all, and those behind it: calls come first."""

Outcome = TypeVar("Outcome")

log = structlog.get_logger()


class Replica:
    """The thread that keeps the replica in *file* as the database of *source* is, and ends an *outage*.

    Tables of more rows than *list_limit* are left out. It is `usable` once it has had everything.
    """

    def __init__(self, source: Engine, file: Path, outage: Outage, list_limit: int) -> None:
        self._source = source
        self._outage = outage
        self._list_limit = list_limit
        self.engine, self._state = _opened(file, _name(source))
        self.size = self._read_own(storage.size)
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._next: int | None = None  # the range that the pass looks at next; None between two
        self._pass_began = self._compared_at = float("-inf")
        self._left_out: set[str] = set()

    @property
    def is_usable(self) -> bool:
        """Whether calls can be routed by it."""
        return self._state.checked_at is not None

    @property
    def age_seconds(self) -> float:
        """How long ago it was as the database last; not a number before it has been for the first time."""
        checked = self._state.checked_at
        return float("nan") if checked is None else max(0.0, time.time() - checked)

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._work, name="replica", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait for it."""
        self._ending.set()
        if self._thread:
            self._thread.join()
        self._store(lambda conn: storage.keep_state(conn, self._state))
        self.engine.dispose()

    def _work(self) -> None:
        with suppress(OSError):  # calls come first
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)
        while not self._ending.is_set():
            began = time.monotonic()
            try:
                self._turn(began + FOLLOW_SECONDS)
            except Exception as error:
                if not (isinstance(error, Unavailable) or unavailable(error)):
                    log.exception("replica_failed")
            self._ending.wait(began + FOLLOW_SECONDS - time.monotonic())

    def _turn(self, until: float) -> None:
        self.follow()
        self._outage.end()
        if self._compared_at + COMPARE_SECONDS <= time.monotonic():
            self.compare()
        if self._next is not None or self._pass_began + PASS_SECONDS <= time.monotonic():
            self.go_on(until, SHARE if self.is_usable else FIRST_SHARE)
        if self.is_usable:
            self._state = replace(self._state, checked_at=time.time())

    def _read(self, work: Callable[[Connection, Connection], Outcome]) -> Outcome:
        """Return what *work* finds in the database and in the replica."""
        with reading(self._source) as source, reading(self.engine) as own:
            return work(source, own)

    def _read_own(self, work: Callable[[Connection], Outcome]) -> Outcome:
        with reading(self.engine) as own:
            return work(own)

    def _store(self, work: Callable[[Connection], None]) -> None:
        with writing(self.engine) as own:
            work(own)

    # By the change log

    def follow(self) -> None:
        """Copy what was changed since the last time."""
        newest = self._read(lambda source, _: storage.position(source))
        if not self._read(lambda source, _: storage.is_known(source, self._state.position)):
            # The database was put back from a backup.
            log.warning("replica_begins_anew")
            self._store(storage.forget_ranges)
            self._move(newest)
        elif not self.is_usable and self._next is None:
            self._move(newest)  # the first pass has all that was before it
        while not self._ending.is_set():
            after = self._state.position
            found = self._read(lambda source, _, after=after: storage.changed(source, after))  # type: ignore[misc]
            for place in range(0, len(found.did_ids), storage.AT_ONCE):
                self._copy(found.did_ids[place : place + storage.AT_ONCE])
            self._move(found.position)
            if found.position == after:
                return

    def _copy(self, did_ids: Sequence[int]) -> None:
        rows = self._read(lambda source, _: storage.rows_of_ids(source, did_ids))
        self._store(lambda own: storage.keep_rows(own, did_ids, rows))

    def _move(self, position: int) -> None:
        self._state = replace(self._state, position=position)

    # By comparing

    def compare(self) -> None:
        """Copy the tables beside the DIDs that are not as they were."""
        for table in storage.OTHERS:
            found = self._read(
                lambda source, own, table=table: storage.changed_table(source, own, table, self._list_limit)  # type: ignore[misc]
            )
            if found:
                self._store(lambda own, found=found: storage.keep_table(own, found))  # type: ignore[misc]
                self._say_left_out(table, found.rows is None)
        self._store(lambda own: storage.keep_state(own, self._state))
        self._compared_at = time.monotonic()

    def _say_left_out(self, table: str, is_left_out: bool) -> None:
        if is_left_out and table not in self._left_out:
            log.warning("not_in_replica", table=table, rows_more_than=self._list_limit)
        (self._left_out.add if is_left_out else self._left_out.discard)(table)

    def go_on(self, until: float = float("inf"), share: float = 1.0) -> None:
        """Go on with the pass over all DIDs, or begin the next one, and stop it at *until* (monotonic time).

        It takes a *share* of the time.
        """
        if self._next is None:
            self._next, self._pass_began = 0, time.monotonic()
        while self._next is not None and not self._ending.is_set() and time.monotonic() < until:
            began = time.monotonic()
            self._next = self._look(self._next)
            self._ending.wait((time.monotonic() - began) * (1 / share - 1))
        if self._next is None:
            self.size = self._read_own(storage.size)
            self._begin_use()

    def _look(self, first_id: int) -> int | None:
        """Copy the next range that is not as it was; return from where on to go on."""
        following = self._read(lambda source, own: storage.following(source, own, first_id))
        if following is None:
            return None
        found = self._read(lambda source, own: storage.changed_range(source, own, following))
        if found:
            self._store(lambda own: storage.keep_range(own, found))
        return following + ranges.SIZE

    def _begin_use(self) -> None:
        """Say that it has had everything, the first time."""
        if self.is_usable:
            return
        self._state = replace(self._state, checked_at=time.time())
        self._store(lambda own: storage.keep_state(own, self._state))
        log.info("replica_is_complete", dids=self.size)


def _opened(file: Path, source: str) -> tuple[Engine, State]:
    """Open the replica of the database *source*; one that cannot be read is made anew."""
    try:
        return _prepared(file, source)
    except (DBAPIError, Unavailable) as error:
        log.warning("replica_made_anew", reason=str(error).partition("\n")[0])
        for name in (file, *(file.with_name(f"{file.name}{end}") for end in ("-wal", "-shm"))):
            name.unlink(missing_ok=True)
        return _prepared(file, source)


def _prepared(file: Path, source: str) -> tuple[Engine, State]:
    engine = open_own(file)
    with writing(engine) as conn:
        return engine, storage.prepare(conn, source)


def _name(source: Engine) -> str:
    """Return what tells a database from others, without a password."""
    url = source.url
    return f"{url.host or ''}:{url.port or ''}/{url.database or ''}{url.query.get('unix_socket', '')}"
