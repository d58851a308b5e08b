"""Signing in and out of the panel."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.errors import LockedOut, Overloaded, SignInRefused
from didier.services import sessions
from didier.services.access import Caller, Credentials, StaleProof
from didier.services.sessions import LEVEL, Opening, Presented, Secret
from didier.storage.committer import Committer
from didier.web.api.door import COMPARE_AGAIN, clean_password
from didier.web.comparing import Given, Passwords
from didier.web.unlogged import Reads


def _begin(conn: Connection, orders: Sequence[Opening]) -> list[Caller | SignInRefused | StaleProof]:
    return sessions.begin(conn, orders, datetime.now())


def _present(conn: Connection, shown: Sequence[Presented]) -> list[Caller | SignInRefused]:
    return sessions.sign_in(conn, shown, datetime.now())


class Signing:
    """Begins, looks at and ends sessions, each in a transaction that reads the user's row anew."""

    def __init__(self, committer: Committer, reads: Reads, passwords: Passwords) -> None:
        self._committer = committer
        self._reads = reads
        self._passwords = passwords

    async def enter(self, user: str, password: str, address: str, secret: Secret) -> Caller | SignInRefused:
        """Begin the session *secret*; raise `Overloaded`."""
        for attempt in range(COMPARE_AGAIN):
            given = Given(user, password, clean_password)
            proof = await self._passwords.prove(given, anew=attempt > 0)
            opening = Opening(Credentials(user, proof, address, LEVEL), secret)
            outcome = await self._committer.run(_begin, opening)
            if not isinstance(outcome, StaleProof):
                return outcome
        raise Overloaded

    async def who(self, secret: Secret, address: str) -> Caller | SignInRefused:
        """Return whose session *secret* is."""
        return await self._reads.admit(_present, Presented(secret, address), "", Caller)

    async def leave(self, secret: Secret) -> None:
        """End the session *secret*."""
        await self._committer.run(sessions.end, secret)


def status_of(refused: SignInRefused) -> int:
    """Return the status with which a sign-in is refused."""
    return 429 if isinstance(refused, LockedOut) else 401
