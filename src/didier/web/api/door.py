"""The door between the routes and what they work with: the committer and connections for reading."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy.engine import Connection, Engine
from starlette.requests import Request
from starlette.responses import Response

from didier.config import Settings
from didier.errors import InvalidField, KeyUnderWay, Overloaded, Refusal
from didier.masking import Masking, mask_path
from didier.runtime.batch_worker import Runner
from didier.runtime.committer import Committer
from didier.runtime.degraded_reads import Reads
from didier.runtime.password_verifier import Given, Passwords
from didier.services.users.authentication import Caller, StaleProof
from didier.services.users.one_time_codes import CodeProof
from didier.services.users.passwords import Proof
from didier.storage.database import reading
from didier.storage.users.users import StoredPassword
from didier.vicidial.call import CLEAN_UP
from didier.web.api import problems, wishes
from didier.web.api.answers import Answer
from didier.web.api.callers import Basic, Bearer, Login, Session
from didier.web.api.texts import Pause, Texts
from didier.web.api.wishes import Asked, Demand, Envelope, Key, Question, Told, Wish
from didier.web.codes import Codes

READING_WAITING = 100
"""Most requests that may be read or wait for it."""

SHORT = 4_096
"""Bytes of a body that are read in some milliseconds at worst, and mostly in some tenths of one."""

COMPARE_AGAIN = 3

WATCHING_MOST = 200
"""Most requests that may watch batches at once."""

LOOK_SECONDS = 0.02
"""How often those who watch batches look whether one has ended."""

Result = TypeVar("Result")


class Door:
    """Takes requests from the routes to the committer, or to a connection for reading, and back.

    *accepted* is told the digest of each token that was accepted; *runner* carries out large batches.
    """

    def __init__(
        self,
        engine: Engine,
        committer: Committer,
        reads: Reads,
        passwords: Passwords,
        codes: Codes,
        accepted: Callable[[str], None],
        runner: Runner,
        settings: Settings,
    ) -> None:
        self._engine = engine
        self._committer = committer
        self._reads = reads
        self._passwords = passwords
        self.codes = codes
        self._accepted = accepted
        self._runner = runner
        self.batch_limit = settings.batch_limit
        self.region = settings.region
        self._texts = Texts(settings.parse_seconds)
        self._readers = ThreadPoolExecutor(4, thread_name_prefix="json-api")
        self._reading = 0
        self._watching = 0
        self._under_way: set[tuple[str, str]] = set()

    async def write(
        self, request: Request, login: Login, wish: Wish[Any, Any], content: bytes | None = None
    ) -> Response:
        """Carry out what *request* wants, once if it is a POST with an idempotency key; return its answer.

        *content* is what makes two requests with one key the same, the body unless it is given: it must
        hold no secret.
        """
        sent = request.headers.get("idempotency-key") if request.method == "POST" else None
        if sent is None:
            return (await self._write(request, login, wish, None)).response
        if not 1 <= len(sent) <= KEY_LIMIT or not sent.isprintable():
            bad = InvalidField("Idempotency-Key", sent, f"1 to {KEY_LIMIT} printable characters")
            return problems.refusal(bad, {"Idempotency-Key": "Idempotency-Key"}).response
        body = await request.body() if content is None else content
        key = Key.of(sent, request.method, request.url.path, request.url.query.encode() + b"\n" + body)
        with self._alone(login, key):
            return (await self._write(request, login, wish, key)).response

    async def read(
        self,
        request: Request,
        login: Login,
        asked: Asked,
        read: Callable[[Connection, Caller], Answer | Refusal],
        pointers: dict[str, str] | None = None,
    ) -> Response:
        """Let *read* answer on a connection for reading, once the caller is found to have the right."""
        question = await self._question(request, login, asked)
        caller = await self._ask(request, question)
        if isinstance(caller, Answer):
            return caller.response
        found = await self.on_reader(lambda conn: read(conn, caller))
        answer = found if isinstance(found, Answer) else problems.refusal(found, pointers)
        await self._reads.log(wishes.log, Told(question, caller, answer))
        return answer.response

    async def admit(self, request: Request, login: Login, asked: Asked) -> Caller | Response:
        """Return who may do what is asked, before work that is worth it only then; or the answer no."""
        caller = await self._ask(request, await self._question(request, login, asked))
        return caller.response if isinstance(caller, Answer) else caller

    async def expect(self, request: Request, login: Login, asked: Asked) -> Caller | Response:
        """Return who will be allowed what is asked, or the answer no; who is let in costs no commit.

        What they want is decided on when it is carried out, so here the first no counts and is logged.
        """
        question = await self._question(request, login, asked)
        found = await self._reads.foresee(wishes.foresee, question, Caller)
        if isinstance(found, Caller):
            return found
        caller = await self._ask(request, question)
        return caller.response if isinstance(caller, Answer) else caller

    async def permit(self, request: Request, login: Login, asked: Asked) -> Caller | Response:
        """Return who may have it read, for answers that are sent in pieces; or the answer that says no."""
        question = await self._question(request, login, asked)
        caller = await self._ask(request, question)
        if isinstance(caller, Answer):
            return caller.response
        await self._reads.log(wishes.log, Told(question, caller, Answer(200)))
        return caller

    async def run(self, service: Callable[[Connection, Sequence[Any]], Sequence[Any]], order: Any) -> None:
        """Carry out an order of the server's own."""
        await self._committer.run(service, order)

    def wake(self) -> None:
        """Say that there may be a large batch to be worked on."""
        self._runner.wake()

    def watched(self, events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Return *events* for as long as they are wanted; raise `Overloaded` when too many are."""
        if self._watching >= WATCHING_MOST:
            raise Overloaded
        self._watching += 1

        async def counted() -> AsyncIterator[bytes]:
            try:
                async for event in events:
                    yield event
            finally:
                self._watching -= 1

        return counted()

    async def moved(self, seconds: float) -> None:
        """Wait until a large batch comes to an end, or the server stops, *seconds* at most."""
        ended, until = self._runner.ended, time.monotonic() + seconds
        while self._runner.ended == ended and not self.stopping and time.monotonic() < until:
            await asyncio.sleep(LOOK_SECONDS)

    @property
    def stopping(self) -> bool:
        """Whether the server is stopping: answers without end come to theirs."""
        return self._runner.stopping

    async def on_reader(self, read: Callable[[Connection], Result]) -> Result:
        """Run *read* on a connection for reading, off the event loop; raise `Overloaded`."""
        if self._reading >= READING_WAITING:
            raise Overloaded
        self._reading += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, read)
        finally:
            self._reading -= 1

    async def look(self, read: Callable[[Connection], Result]) -> Result:
        """Run *read*, which is quick, on a connection for reading."""
        return await self._reads.quickly(lambda: self._read(read))

    async def parse(self, size: int, work: Callable[[Pause], Result]) -> Result:
        """Return what *work* reads in a body of *size* bytes; a large one off the event loop, with pauses.

        Raises `Overloaded` or `TooMuchToRead`.
        """
        if size <= SHORT:
            return work(_no_pause)
        return await self._texts.read(work)

    async def prove_own(self, caller: Caller, password: str) -> Proof:
        """Compare the present *password* of who is signed in, whatever is remembered of it."""
        return await self._passwords.prove(Given(caller.user.name, password, clean_password), anew=True)

    async def to_store(self, password: str) -> StoredPassword | None:
        """Return what is stored for a new password; None where VICIdial's hashing is set up wrongly."""
        return await self._passwords.to_store(password)

    def _read(self, read: Callable[[Connection], Result]) -> Result:
        with reading(self._engine) as conn:
            return read(conn)

    @contextmanager
    def _alone(self, login: Login, key: Key) -> Iterator[None]:
        """Hold *key* while its request is under way; raise `KeyUnderWay` for a second one."""
        name = (login.digest if isinstance(login, Bearer | Session) else login.user, key.stored)
        if name in self._under_way:
            raise KeyUnderWay(key.sent)
        self._under_way.add(name)
        try:
            yield
        finally:
            self._under_way.discard(name)

    async def _write(self, request: Request, login: Login, wish: Wish[Any, Any], key: Key | None) -> Answer:
        proof: Proof | None = None
        for attempt in range(COMPARE_AGAIN):
            proof = await self._prove(login, anew=attempt > 0)
            code = await self._prove_code(request, login, proof)
            demand = Demand(_envelope(request, login, proof, code), wish, key)
            answer = await self._committer.run(wishes.carry_out, demand)
            if isinstance(answer, Answer):
                if answer.status < 400:
                    self._tell(login)
                return answer
        raise Overloaded  # the stored password changed under us three times

    async def _ask(self, request: Request, question: Question) -> Caller | Answer:
        login = question.envelope.login
        for attempt in range(COMPARE_AGAIN):
            proof = await self._prove(login, anew=True) if attempt else question.envelope.proof
            code = await self._prove_code(request, login, proof)
            again = Question(question.envelope.with_proofs(proof, code), question.asked)
            found = await self._reads.admit(wishes.ask, again, login.user, Caller)
            if isinstance(found, Caller):
                self._tell(login)
                request.scope[_CODE_USED] = code
            if not isinstance(found, StaleProof):
                return found
        raise Overloaded

    async def _question(self, request: Request, login: Login, asked: Asked) -> Question:
        return Question(_envelope(request, login, await self._prove(login, anew=False), None), asked)

    async def _prove_code(self, request: Request, login: Login, proof: Proof | None) -> CodeProof | None:
        """Compare the one-time code of *login*; one that *request* has used already is not used again.

        Who does not know the password has no code compared.
        """
        if not isinstance(login, Basic) or login.code is None or proof is None or not proof.matched:
            return None
        known: CodeProof | None = request.scope.get(_CODE_USED)
        return replace(known, used=True) if known else await self.codes.prove(login.user, login.code)

    async def _prove(self, login: Login, *, anew: bool) -> Proof | None:
        if not isinstance(login, Basic):
            return None
        return await self._passwords.prove(Given(login.user, login.password, clean_password), anew=anew)

    def _tell(self, login: Login) -> None:
        if isinstance(login, Bearer):
            self._accepted(login.digest)


def _no_pause() -> None:
    """Go on: it is soon done."""


_CODE_USED = "didier.code"
"""Where a request that signs in twice has the code that it used the first time."""

KEY_LIMIT = 255
"""Most characters in an idempotency key."""


_NOTHING_KNOWN = Masking(())


def clean_password(password: str) -> str:
    """Return *password* as VICIdial reads and stores it."""
    return CLEAN_UP["pass"].clean(password, non_latin=False)


def _envelope(request: Request, login: Login, proof: Proof | None, code: CodeProof | None) -> Envelope:
    base = f"{request.url.scheme}://{request.url.netloc}"
    masking = getattr(request.app.state, "masking", _NOTHING_KNOWN)  # the panel's pages have none
    query = masking.query(request.scope["query_string"])
    return Envelope(
        login=login,
        proof=proof,
        code=code,
        address=request.client.host if request.client else "",
        method=request.method,
        script=f"{base}/api/v1",
        host=request.url.hostname or "localhost",
        url=f"{base}{mask_path(request.url.path)}{f'?{query}' if query else ''}",
        received=time.time(),
    )


def door_of(request: Request) -> Door:
    """Return the door of the application that *request* came to."""
    door: Door = request.app.state.door
    return door
