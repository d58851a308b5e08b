"""Comparing and hashing passwords off the event loop and off the committer, before a call is answered."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

import structlog
from sqlalchemy.engine import Engine

from didier.errors import Overloaded
from didier.services import access, passwords
from didier.services.passwords import Proof
from didier.storage import users
from didier.storage.committer import Committer
from didier.storage.database import database_file, reading
from didier.storage.users import StoredPassword
from didier.vicidial import functions
from didier.vicidial.call import Call

WAITING_LIMIT = 200
"""Most passwords that may wait to be compared: some seconds of work."""

Result = TypeVar("Result")

log = structlog.get_logger()


class Passwords:
    """Gives calls the proof that their password was compared, and prepares the passwords they set.

    One thread: whoever guesses passwords must not take the processor from those who are signed in.
    """

    def __init__(self, engine: Engine, committer: Committer) -> None:
        self._engine = engine
        self._committer = committer
        self._memory = passwords.Memory()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="passwords")
        self._waiting = 0
        self._under_way: dict[tuple[str, str], asyncio.Future[Proof]] = {}
        self._embedded = database_file(engine.url) is not None

    async def prepare(self, call: Call) -> None:
        """Compare the call's password, unless that was done a moment ago, and hash the one that it sets.

        A call that has a proof already had one that did not hold any more. Raises `Overloaded`.
        """
        password = call.raw("pass")
        known = self._memory.recall(call.user, password) if call.proof is None else None
        call.proof = known or await self._shared(call, password)
        new = functions.new_password(call)
        if new and call.proof.matched and call.new_password is None:
            call.new_password = await self._run(lambda: self._to_store(new))

    async def _shared(self, call: Call, password: str) -> Proof:
        """Compare the password once for all calls of the same user and password that wait for it now."""
        pair = call.user, password
        if pair not in self._under_way:
            task = asyncio.ensure_future(self._compared(call, password))
            self._under_way[pair] = task
            task.add_done_callback(lambda _: self._under_way.pop(pair))
        return await asyncio.shield(self._under_way[pair])

    async def _compared(self, call: Call, password: str) -> Proof:
        proof = await self._run(lambda: self._compare(call, password))
        if self._embedded and (replacement := await self._run(lambda: access.hashed(call.user, proof))):
            proof = await self._committer.run(access.replace_plain_passwords, replacement)
        self._memory.remember(call.user, password, proof)
        return proof

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._waiting >= WAITING_LIMIT:
            raise Overloaded
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    def _compare(self, call: Call, password: str) -> Proof:
        with reading(self._engine) as conn:
            stored = access.stored_password(conn, call.user)
            locked = access.is_locked(conn, call.user, datetime.now())
        if locked:  # refused whatever the password is; if the lock ends meanwhile, it is compared after all
            return passwords.NOT_COMPARED
        plain = stored.plain if stored and not self._embedded else ""
        return passwords.compare(password, call.get("pass"), stored, call.clean("pass", plain))

    def _to_store(self, password: str) -> StoredPassword | None:
        with reading(self._engine) as conn:
            hashing, keeps_plain = users.hashing(conn), users.keeps_plain(conn)
        try:
            return passwords.to_store(password, hashing, keeps_plain=keeps_plain)
        except ValueError as error:
            log.error("password_not_storable", reason=str(error), advice="run 'didier doctor'")
            return None
