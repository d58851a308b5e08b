"""Sending events to the endpoints of webhooks: a job of one process of those on a database.

Each endpoint has a task of its own, which sends one event after the other: the next only when it is stored
what became of the one before. So after a crash at most what was under way comes again, and nothing is left
out. What tasks have to store at the same time shares a commit.
"""

import asyncio
import random
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import CancelledError as CommitterStopped
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TypeVar

import structlog
from sqlalchemy.engine import Connection, Engine

from didier.domain import signatures
from didier.errors import KeyProblem, Unavailable
from didier.runtime.committer import Committer
from didier.runtime.leases import LeaseHolder
from didier.runtime.webhook_sender import WebhookSender
from didier.services.changes import event_shapes, feed, webhook_delivery
from didier.services.changes import webhooks as services
from didier.services.changes.feed import Event
from didier.services.changes.webhook_delivery import Done, Sent, UserGone, Waiting
from didier.services.system.installation_key import KeyFile, NotOpened
from didier.storage.changes import webhooks
from didier.storage.changes.webhooks import Webhook
from didier.storage.database import reading
from didier.storage.failures import is_passing, unavailable
from didier.storage.system import leases
from didier.storage.system.leases import Lease, LeaseLost

LEASE = "webhooks"

LOOK_SECONDS = 0.2
"""How often it is looked for changes, of endpoints too, while there are endpoints."""

IDLE_SECONDS = 5.0
"""The same while there are none."""

RETRY_SECONDS = 1.0
"""How long to wait when the database does not answer."""

KEY_SECONDS = 30.0
"""How long to wait when a secret cannot be opened."""

TIDY_SECONDS = 3_600.0
"""How often old attempts are forgotten."""

STOP_SECONDS = 2.0
"""How long sending may go on when the process stops: what is cut off then is sent again."""

SKIPPED_MOST, SETTLE_SECONDS = 1_000, 10.0
"""After how many changes that an endpoint does not want it is stored how far it is, or after what silence."""

STORED_AT_ONCE = 200

BUSY_SECONDS, SHARE = 0.05, 0.1
"""Where orders come faster behind each other than that, sending takes this share of a processor at most."""

READERS, NAMES_AT_ONCE = 2, 64
"""Threads that read, and names of hosts that are looked up at once."""

Stored = TypeVar("Stored")
Found = TypeVar("Found")

log = structlog.get_logger()


class WebhookWorker:
    """The thread that sends events while this process has the lease.

    *sender* makes what sends, on the thread's own event loop; *chance* draws numbers from 0 to 1, *clock*
    and *sleep* are for tests too. *observe* is told how each attempt ended.
    """

    def __init__(
        self,
        engine: Engine,
        committer: Committer,
        lease_holder: LeaseHolder,
        sender: Callable[[], WebhookSender],
        key_file: KeyFile,
        clock: Callable[[], datetime] = datetime.now,
        chance: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._committer = committer
        self._leased = lease_holder.lease(LEASE, self.wake)
        self._make_sender = sender
        self._key_file = key_file
        self._clock = clock
        self._chance = chance
        self._sleep = sleep
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()
        self._news = asyncio.Event()  # set, and another one put in its place, when something has changed
        self._newest = 0
        self._tidy_at = 0.0
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="webhooks")
        self._tasks: dict[int, tuple[int, asyncio.Task[None]]] = {}  # edition and task by endpoint
        self._used, self._resume_at = 0.0, 0.0  # of the processor; when it may go on
        self._to_store: asyncio.Queue[tuple[Done, asyncio.Future[bool]]] = asyncio.Queue()
        self._thread: threading.Thread | None = None
        self.observe: Callable[[str], None] = lambda _outcome: None

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._work, name="webhooks", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that there may be something to be done."""
        if loop := self._loop:
            with suppress(RuntimeError):  # it has ended
                loop.call_soon_threadsafe(self._woken.set)

    def stop(self) -> None:
        """End the thread, and wait for it; to be called before the committer and the leases stop."""
        self._stopping = True
        self.wake()
        if self._thread:
            self._thread.join()

    def _work(self) -> None:
        with suppress(CommitterStopped):
            asyncio.run(self._run())
        self._leased.give_back()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        # Names that are looked up in vain take long: they do not keep others from being looked up, or read.
        self._loop.set_default_executor(ThreadPoolExecutor(NAMES_AT_ONCE, thread_name_prefix="webhook-names"))
        self._sender = self._make_sender()
        storing = asyncio.create_task(self._store_all())
        try:
            while not self._stopping:
                self._woken.clear()
                wait = await self._turn()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), wait)
            if self._tasks:
                await asyncio.wait([task for _, task in self._tasks.values()], timeout=STOP_SECONDS)
        finally:
            await _cancel([storing, *(task for _, task in self._tasks.values())])
            await self._sender.close()
            self._readers.shutdown()

    async def _turn(self) -> float:
        """Let the endpoints that there are have their tasks; return how long to wait then."""
        try:
            found, newest = await self._read(self._look)
        except Exception as error:
            _tell(error)
            return RETRY_SECONDS
        active = {webhook.webhook_id: webhook for webhook in found if webhook.is_active}
        if active:
            self._leased.want()
        else:
            self._leased.give_back()
        if self._leased.lease is None:
            active = {}
        gone = [number for number, (edition, task) in self._tasks.items()
                if number not in active or active[number].edition != edition or task.done()]  # fmt: skip
        await _cancel([self._tasks.pop(number)[1] for number in gone])
        for number, webhook in active.items():
            if number not in self._tasks:
                self._tasks[number] = (webhook.edition, asyncio.create_task(self._deliver(webhook)))
        if newest != self._newest:
            self._newest = newest
            self._news.set()
            self._news = asyncio.Event()
        if self._tasks and time.monotonic() >= self._tidy_at:
            await self._tidy()
        return LOOK_SECONDS if active else IDLE_SECONDS

    async def _tidy(self) -> None:
        self._tidy_at = time.monotonic() + TIDY_SECONDS
        try:
            await self._step(partial(webhook_delivery.tidy, now=self._clock()))
        except Exception as error:
            _tell(error)

    def _look(self) -> tuple[list[Webhook], int]:
        with reading(self._engine) as conn:
            found = webhooks.every(conn)
            return found, feed.newest(conn) if found else 0

    async def _deliver(self, webhook: Webhook) -> None:
        """Send to an endpoint until it is changed, or another process does so."""
        while not self._stopping and webhook.is_active:
            try:
                webhook = await self._deliver_some(webhook)
            except _Changed:
                return
            except UserGone as error:
                progress = webhook_delivery.disabled(webhook.progress, str(error), self._clock())
                with suppress(Exception):
                    await self._stored((webhook, progress, None))
                return
            except (KeyProblem, NotOpened) as error:
                log.error("webhook_not_signed", webhook=webhook.webhook_id, reason=str(error))
                await self._pause(KEY_SECONDS)
            except Exception as error:
                _tell(error)
                await self._pause(RETRY_SECONDS)

    async def _deliver_some(self, webhook: Webhook) -> Webhook:
        """Send what waits for an endpoint, or wait for something; return how far it is then."""
        news, newest = self._news, self._newest
        if retry_at := webhook.progress.retry_at:
            await self._pause((retry_at - self._clock()).total_seconds())
        found = await self._read(partial(self._waiting, webhook))
        secrets = services.signing_secrets(webhook, self._key_file, self._clock()) if found.events else []
        for place, event in enumerate(found.events):
            following = found.events[place + 1].number if place + 1 < len(found.events) else None
            webhook = await self._deliver_one(webhook, secrets, event, is_last=following != event.number)
            if self._stopping or webhook.progress.retry_at or not webhook.is_active:
                return webhook
        return await self._skipped(webhook, found.after, news, newest)

    def _waiting(self, webhook: Webhook) -> Waiting:
        with reading(self._engine) as conn:
            return webhook_delivery.waiting(conn, webhook)

    async def _deliver_one(
        self, webhook: Webhook, secrets: Sequence[str], event: Event, *, is_last: bool
    ) -> Webhook:
        body = event_shapes.body(event)
        await self._give_way()
        headers = signatures.headers(secrets, event.id, int(self._clock().timestamp()), body)
        answer = await self._sender.send(webhook.endpoint.url, headers, body)
        progress, attempt = webhook_delivery.outcome(
            Sent(webhook, event, is_last, answer, self._clock()), self._chance()
        )
        self.observe(attempt.outcome)
        return await self._stored((webhook, progress, attempt))

    async def _give_way(self) -> None:
        """Wait while others need the processor more: those who wait for answers to their orders."""
        used = time.thread_time()
        spent, self._used = used - self._used, used
        now = time.monotonic()
        if self._committer.quiet_seconds < BUSY_SECONDS:
            self._resume_at = max(now, self._resume_at) + spent * (1 / SHARE - 1)
            await asyncio.sleep(self._resume_at - now)

    async def _skipped(self, webhook: Webhook, after: int, news: asyncio.Event, newest: int) -> Webhook:
        """Learn that nothing up to *after* is wanted any more; wait for news where that is all there is."""
        progress = webhook.progress
        if after != progress.number or progress.part is not None:
            moved = replace(webhook, progress=replace(progress, number=after, part=None))
            if abs(after - progress.number) >= SKIPPED_MOST:
                webhook = await self._stored((moved, moved.progress, None))
            webhook = moved
            if after >= newest and not await _within(SETTLE_SECONDS, news):
                webhook = await self._stored((moved, moved.progress, None))
        if after >= newest:
            await news.wait()
        return webhook

    async def _read(self, read: Callable[[], Found]) -> Found:
        return await asyncio.get_running_loop().run_in_executor(self._readers, read)

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            await self._sleep(seconds)

    async def _stored(self, done: Done) -> Webhook:
        """Store how far an endpoint is; return it so. Raises `_Changed`, and what storing raises."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        await self._to_store.put((done, future))
        if not await future:
            raise _Changed
        return replace(done[0], progress=done[1])

    async def _store_all(self) -> None:
        """Store what tasks have done, together what came meanwhile."""
        while True:
            some = [await self._to_store.get()]
            while not self._to_store.empty() and len(some) < STORED_AT_ONCE:
                some.append(self._to_store.get_nowait())
            futures = [future for _, future in some]
            try:
                record = partial(webhook_delivery.record, done=[done for done, _ in some], now=self._clock())
                outcomes = await self._step(record)
            except Exception as error:
                for future in futures:
                    if not future.done():
                        future.set_exception(error)
            else:
                for future, outcome in zip(futures, outcomes, strict=True):
                    if not future.done():
                        future.set_result(outcome)

    async def _step(self, work: Callable[[Connection], Stored]) -> Stored:
        """Store something under the lease. Raises `LeaseLost`."""
        lease = self._leased.lease
        try:
            return await asyncio.wrap_future(self._committer.later(partial(_fenced, lease=lease, work=work)))
        except LeaseLost:
            self._leased.lost(lease)
            raise


async def _within(seconds: float, event: asyncio.Event) -> bool:
    """Wait for *event*; say whether it has come within *seconds*."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()


class _Changed(Exception):
    """People have changed the endpoint: it begins anew as it is now."""


def _fenced(conn: Connection, lease: Lease | None, work: Callable[[Connection], Stored]) -> Stored:
    if lease is None:
        raise LeaseLost(LEASE)
    leases.hold(conn, lease)
    return work(conn)


async def _cancel(tasks: Sequence["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _tell(error: Exception) -> None:
    """Log what nobody expected; what the database is away for the committer says."""
    if not isinstance(error, LeaseLost | Unavailable) and not (unavailable(error) or is_passing(error)):
        log.error("webhooks_failed", exc_info=error)
