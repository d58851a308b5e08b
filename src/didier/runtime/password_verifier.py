"""Comparing and hashing passwords off the event loop and off the committer, before a request is answered."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

import structlog
from sqlalchemy.engine import Engine

from didier.errors import Overloaded
from didier.runtime.committer import Committer
from didier.runtime.logins import PasswordLogin
from didier.services.users import authentication, lockouts, passwords, plain_passwords
from didier.services.users.passwords import Proof
from didier.storage.database import database_file, reading
from didier.storage.users import users
from didier.storage.users.users import StoredPassword

WAITING_LIMIT = 200
"""Most passwords that may wait to be compared: some seconds of work."""

Result = TypeVar("Result")

log = structlog.get_logger()


class PasswordVerifier:
    """Gives the proof that a password was compared, and prepares the passwords that are set.

    One thread: guessing passwords must not take the processor from signed-in users.
    """

    def __init__(self, engine: Engine, committer: Committer) -> None:
        self._engine = engine
        self._committer = committer
        self._memory = passwords.Memory()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="passwords")
        self._waiting = 0
        self._under_way: dict[tuple[str, str], asyncio.Future[Proof]] = {}
        self._embedded = database_file(engine.url) is not None

    def recall(self, user: str, password: str) -> Proof | None:
        """Return the proof for *user* and *password* if it was had a moment ago."""
        return self._memory.recall(user, password)

    async def prove(self, login: PasswordLogin, *, anew: bool = False) -> Proof:
        """Compare the password, unless that was done a moment ago; *anew*: that does not hold any more.

        Raises `Overloaded`.
        """
        known = None if anew else self.recall(login.user, login.password)
        return known or await self._shared(login)

    async def to_store(self, password: str) -> StoredPassword | None:
        """Return what is stored for a new *password*; None where VICIdial's hashing is set up wrongly.

        Raises `Overloaded`.
        """
        return await self._run(lambda: self._to_store(password))

    async def _shared(self, login: PasswordLogin) -> Proof:
        """Compare the password once for all requests of the same user and password that wait for it now."""
        pair = login.user, login.password
        if pair not in self._under_way:
            task = asyncio.ensure_future(self._compared(login))
            self._under_way[pair] = task
            task.add_done_callback(lambda _: self._under_way.pop(pair))
        return await asyncio.shield(self._under_way[pair])

    async def _compared(self, login: PasswordLogin) -> Proof:
        proof = await self._run(lambda: self._compare(login))
        if self._embedded and (
            replacement := await self._run(lambda: plain_passwords.hashed(login.user, proof))
        ):
            proof = await self._committer.run(plain_passwords.replace, replacement)
        self._memory.remember(login.user, login.password, proof)
        return proof

    async def _run(self, work: Callable[[], Result]) -> Result:
        if self._waiting >= WAITING_LIMIT:
            raise Overloaded
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    def _compare(self, login: PasswordLogin) -> Proof:
        with reading(self._engine) as conn:
            stored = authentication.stored_password(conn, login.user)
            locked = lockouts.is_locked(conn, login.user, datetime.now())
        if locked:  # refused whatever the password is; if the lock ends meanwhile, it is compared after all
            return passwords.NOT_COMPARED
        plain = stored.plain if stored and not self._embedded else ""
        return passwords.compare(login.password, login.clean(login.password), stored, login.clean(plain))

    def _to_store(self, password: str) -> StoredPassword | None:
        with reading(self._engine) as conn:
            hashing, keeps_plain = users.hashing(conn), users.keeps_plain(conn)
        try:
            return passwords.to_store(password, hashing, keeps_plain=keeps_plain)
        except ValueError as error:
            log.error("password_not_storable", reason=str(error), advice="run 'didier doctor'")
            return None
