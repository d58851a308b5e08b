"""Signing in and out of the panel."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy.engine import Connection

from didier.errors import (
    KeyProblem,
    LockedOut,
    SecondFactorRequired,
    SecondFactorUnchecked,
    SignInRefused,
)
from didier.runtime.logins import PasswordLogin
from didier.runtime.runtime import Runtime, until_fresh
from didier.services.users import pending_sign_in, sessions
from didier.services.users.authentication import Caller, Credentials, StaleProof
from didier.services.users.passwords import Proof
from didier.services.users.pending_sign_in import Pending
from didier.services.users.sessions import LEVEL, Opening, PresentedSession, SessionSecret
from didier.storage.users.users import StoredPassword
from didier.web.api.callers import clean_password

log = structlog.get_logger()


def _begin(conn: Connection, orders: Sequence[Opening]) -> list[Caller | SignInRefused | StaleProof]:
    return sessions.begin(conn, orders, datetime.now())


def _present(conn: Connection, shown: Sequence[PresentedSession]) -> list[Caller | SignInRefused]:
    return sessions.sign_in(conn, shown, datetime.now())


def _decide(conn: Connection, shown: Sequence[PresentedSession]) -> Sequence[Caller | SignInRefused]:
    return sessions.decide(conn, shown, datetime.now()).outcomes


@dataclass(frozen=True, slots=True)
class Halfway:
    """What a browser shows whose user has given the password, and has to give a one-time code."""

    text: str = field(repr=False)


class Signing:
    """Begins, looks at and ends sessions, each in a transaction that reads the user's row again."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def enter(
        self, user: str, password: str, address: str, secret: SessionSecret, visit: SessionSecret
    ) -> Caller | SignInRefused | Halfway:
        """Begin the session *secret*, or say what the *visit* goes on with; raise `Overloaded`."""
        login = PasswordLogin(user, password, clean_password)

        async def begin(anew: bool) -> Caller | SignInRefused | StaleProof | Halfway:
            proof = await self._runtime.passwords.prove(login, anew=anew)
            opening = Opening(Credentials(user, proof, address, LEVEL, asks_code=True), secret)
            outcome = await self._runtime.committer.run(_begin, opening)
            if isinstance(outcome, SecondFactorRequired) and proof.stored is not None:
                return await asyncio.to_thread(self._halfway, user, proof.stored, visit)
            return outcome

        return await until_fresh(begin)

    def _halfway(
        self, user: str, stored: StoredPassword, visit: SessionSecret
    ) -> Halfway | SecondFactorUnchecked:
        try:
            return Halfway(
                pending_sign_in.sealed(user, stored, visit, self._runtime.codes.key_file, datetime.now())
            )
        except KeyProblem as error:
            log.error("second_factor_not_checked", user=user, reason=str(error))
            return SecondFactorUnchecked()

    async def go_on(
        self, shown: Halfway, code: str, address: str, secret: SessionSecret, visit: SessionSecret
    ) -> Caller | SignInRefused | None:
        """Begin the session *secret* with a one-time *code*; None: the password has to be given again."""

        async def begin(_: bool) -> Caller | SignInRefused | StaleProof | None:
            found = await asyncio.to_thread(self._pending, shown, visit)
            if found is None:
                return None
            pending, stored = found
            code_proof = await self._runtime.codes.prove(pending.user, code)
            proof = Proof(stored, matched=True)
            credentials = Credentials(pending.user, proof, address, LEVEL, code_proof, asks_code=True)
            return await self._runtime.committer.run(_begin, Opening(credentials, secret))

        return await until_fresh(begin)

    def _pending(self, shown: Halfway, visit: SessionSecret) -> tuple[Pending, StoredPassword] | None:
        try:
            pending = pending_sign_in.opened(shown.text, visit, self._runtime.codes.key_file, datetime.now())
        except KeyProblem:
            return None
        stored = pending and self._runtime.codes.stored_password(pending.user)
        return (pending, stored) if pending and stored and pending.is_of(visit, stored) else None

    async def who(self, secret: SessionSecret, address: str) -> Caller | SignInRefused:
        """Return the caller whose session *secret* is."""
        return await self._runtime.present(_present, _decide, PresentedSession(secret, address), Caller)

    async def leave(self, secret: SessionSecret) -> None:
        """End the session *secret*."""
        await self._runtime.committer.run(sessions.end, secret)


def status_of(refused: SignInRefused) -> int:
    """Return the status with which a sign-in is refused."""
    return 429 if isinstance(refused, LockedOut) else 401
