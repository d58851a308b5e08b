"""What one process has, whatever protocols it speaks: built once, started and stopped as one thing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from typing import Any, TypeVar

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection, Engine

from didier.config import Settings
from didier.errors import Overloaded, Unavailable
from didier.runtime import pipeline
from didier.runtime.batch_worker import BatchWorker
from didier.runtime.calls import Calls
from didier.runtime.change_board import ChangeBoard
from didier.runtime.check_worker import CheckWorker
from didier.runtime.code_verifier import CodeVerifier
from didier.runtime.committer import Committer
from didier.runtime.degraded_reads import DegradedReads
from didier.runtime.leases import LeaseHolder
from didier.runtime.live_calls import CallBoard, LiveCalls
from didier.runtime.logins import Login, PasswordLogin
from didier.runtime.password_verifier import PasswordVerifier
from didier.runtime.pipeline import Proven
from didier.runtime.readers import Readers
from didier.runtime.reconciler import Reconciler
from didier.runtime.requests import AccessRecord, Request
from didier.runtime.sequencer import Sequencer
from didier.runtime.usage_worker import UsageWorker
from didier.runtime.webhook_once import WebhookOnce
from didier.runtime.webhook_sender import WebhookSender
from didier.runtime.webhook_worker import WebhookWorker
from didier.services.batches import journal
from didier.services.system.installation_key import KeyFile
from didier.services.users.authentication import Caller, StaleProof
from didier.services.users.one_time_codes import CodeProof
from didier.services.users.passwords import Proof
from didier.storage.database import open_engine, reading
from didier.storage.system.health import can_store

ATTEMPTS = 3
"""How often a password is compared again because the stored one has changed meanwhile."""

READERS, READING_MOST = 4, 100
"""Threads that read, and reads that may be under way or wait."""

REPORTS, REPORTS_MOST = 2, 20
"""The same for reports, which may have 100,000 rows each: few at a time, so that they fit into the memory."""

Order = TypeVar("Order")
Outcome = TypeVar("Outcome")
Answer = TypeVar("Answer")
Result = TypeVar("Result")

log = structlog.get_logger()


class Runtime:
    """Takes requests through the pipeline, reads, and carries out batches, on one database."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.engine = engine
        self.settings = settings
        self.committer = Committer(engine, settings.waiting_limit, _take_back)
        self.leases = LeaseHolder(engine, self.committer, settings.lease_seconds)
        self.batch_worker = BatchWorker(engine, self.committer, self.leases)
        self.sequencer = Sequencer(engine, self.committer, self.leases)
        self.reconciler = Reconciler(engine, self.committer, self.leases, settings.reconcile_seconds)
        self.check_worker = CheckWorker(
            engine, self.committer, self.leases, settings.check_seconds, settings.dialplan_contexts
        )
        self.usage_source = open_engine(settings.usage_database) if settings.usage_database else engine
        self.usage_worker = UsageWorker(
            engine,
            self.committer,
            self.leases,
            settings.zone,
            settings.usage_seconds,
            settings.usage_months,
            self.usage_source,
        )
        self.calls = Calls(engine, settings, self.committer) if settings.agi_port else None
        self.passwords = PasswordVerifier(engine, self.committer)
        self.codes = CodeVerifier(engine, KeyFile.of(settings.key_file, engine.url))
        self.readers = Readers(engine, "readers", READERS, READING_MOST)
        self.reports = Readers(engine, "reports", REPORTS, REPORTS_MOST)
        self.change_board = ChangeBoard(self.readers)
        self.call_board = CallBoard(self.calls.live if self.calls else LiveCalls(), self.readers)
        self.webhooks = WebhookWorker(
            engine, self.committer, self.leases, self._webhook_sender, self.codes.key_file
        )
        self.webhook_once = WebhookOnce(self.committer, self._webhook_sender(), self.codes.key_file)
        self._reads = DegradedReads(engine, self.committer)

    @asynccontextmanager
    async def running(self, *, batches: bool = True) -> AsyncIterator[None]:
        """Carry out orders; at the end finish those that were accepted.

        Without *batches* the large ones that wait are left alone until a request wants one worked on, and
        changes are neither numbered nor looked for: that is for processes that stay.
        """
        self.committer.start()
        if batches:
            self.batch_worker.start()
            self.sequencer.start()
            self.webhooks.start()
            self.check_worker.start()
            self.usage_worker.start()
        if batches and self.settings.reconcile:
            self.reconciler.start()
        async with self.calls.running() if self.calls else nullcontext():
            yield
        await asyncio.to_thread(self.webhooks.stop)
        await self.webhook_once.close()
        await asyncio.to_thread(self.batch_worker.stop)
        await asyncio.to_thread(self.check_worker.stop)
        await asyncio.to_thread(self.usage_worker.stop)
        await asyncio.to_thread(self.reconciler.stop)
        await asyncio.to_thread(self.sequencer.stop)
        await asyncio.to_thread(self.leases.stop)
        await self.committer.stop()
        self.usage_source.dispose()
        self.engine.dispose()

    def _webhook_sender(self) -> WebhookSender:
        return WebhookSender(self.settings.webhook_seconds, self.settings.webhook_networks)

    def ending(self) -> None:
        """Bring large batches to a stop, and those who watch them."""
        self.batch_worker.end()

    @property
    def stopping(self) -> bool:
        """Whether the process is about to stop: answers without end come to theirs."""
        return self.batch_worker.stopping

    async def carry_out(self, request: Request[Answer]) -> Answer:
        """Answer *request*, once its outcome is on the disk."""

        async def attempt(proven: Proven[Answer]) -> Answer | StaleProof:
            answer: Answer | StaleProof = await self.committer.run(pipeline.carry_out, proven)
            return answer

        return await self._with_fresh_proofs(request, attempt)

    async def authorize(self, request: Request[Answer]) -> Caller | Answer:
        """Return who may have *request* done, or the answer that says no, which is logged."""

        async def attempt(proven: Proven[Answer]) -> Caller | Answer | StaleProof:
            name = proven.request.login.name if proven.request.login else ""
            found = await self._reads.admit(pipeline.authorize, pipeline.foresee, proven, name, Caller)
            if isinstance(found, Caller) and isinstance(proven.request.login, PasswordLogin):
                proven.request.login.used_code = proven.code
            return found

        return await self._with_fresh_proofs(request, attempt)

    async def foresee(self, request: Request[Any]) -> Caller | None:
        """Return who will be allowed *request*; None says nothing. It costs no commit, and logs nothing."""
        proof = await self._proof(request.login, anew=False)
        found = await self._reads.foresee(pipeline.foresee, Proven(request, proof), Caller)
        return found if isinstance(found, Caller) else None

    async def log_access(self, request: Request[Answer], caller: Caller, answer: Answer) -> None:
        """Log what *caller* was answered, if anything can be stored."""
        await self._reads.log(pipeline.log, AccessRecord(request, caller, answer))

    async def authorize_and_log(self, request: Request[Answer], granted: Answer) -> Caller | Answer:
        """Return who may have *request* read, logged as *granted*; for answers that are sent in pieces."""
        found = await self.authorize(request)
        if isinstance(found, Caller):
            await self.log_access(request, found, granted)
        return found

    async def quickly(self, read: Callable[[Connection], Result]) -> Result:
        """Return what *read*, which takes some tenths of a millisecond, finds."""

        def look() -> Result:
            with reading(self.engine) as conn:
                return read(conn)

        return await self._reads.quickly(look)

    async def present(
        self,
        service: Callable[[Connection, Sequence[Order]], Sequence[Outcome]],
        decide: Callable[[Connection, Sequence[Order]], Sequence[Any]],
        order: Order,
        granted: type,
    ) -> Outcome:
        """Let *service* say who *order* is from; while nothing can be stored *decide*, which reads alone."""
        return await self._reads.admit(service, decide, order, "", granted)

    async def check(self) -> str | None:
        """Return why requests cannot be carried out at the moment; None when they can."""
        try:
            await asyncio.to_thread(self._look)
            if self.committer.trouble:
                await self.committer.run(can_store, None)
        except Unavailable as error:
            return str(error)
        return None if self.committer.alive else "nothing can be stored"

    def _look(self) -> None:
        with reading(self.engine) as conn:
            conn.execute(sa.text("SELECT 1"))

    async def _with_fresh_proofs(
        self,
        request: Request[Any],
        attempt: Callable[[Proven[Any]], Awaitable[Result | StaleProof]],
    ) -> Result:
        async def prove_and_attempt(anew: bool) -> Result | StaleProof:
            proof = await self._proof(request.login, anew=anew)
            return await attempt(Proven(request, proof, await self._code(request.login, proof)))

        return await until_fresh(prove_and_attempt)

    async def _proof(self, login: Login | None, *, anew: bool) -> Proof | None:
        return await self.passwords.prove(login, anew=anew) if isinstance(login, PasswordLogin) else None

    async def _code(self, login: Login | None, proof: Proof | None) -> CodeProof | None:
        """Compare the one-time code of *login*; one that it has used already is not used again.

        Who does not know the password has no code compared.
        """
        if not isinstance(login, PasswordLogin) or login.code is None or proof is None or not proof.matched:
            return None
        if login.used_code:
            return replace(login.used_code, used=True)
        return await self.codes.prove(login.user, login.code)


async def until_fresh(attempt: Callable[[bool], Awaitable[Result | StaleProof]]) -> Result:
    """Return what *attempt* comes to; it is told whether passwords must be compared anew.

    Raises `Overloaded` when the stored password changes each time in between.
    """
    for number in range(ATTEMPTS):
        outcome = await attempt(number > 0)
        if not isinstance(outcome, StaleProof):
            return outcome
    raise Overloaded


def _take_back(conn: Connection) -> bool:
    """Take back what a crash has left; say whether nothing of it remains."""
    for left in journal.take_back(conn):
        log.warning("changes_taken_back", removed=left.restored, kept=left.kept)
    return journal.is_clear(conn)
