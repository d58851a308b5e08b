"""Comparing one-time codes off the event loop and off the committer, before a request is answered."""

import asyncio
from datetime import datetime

from sqlalchemy.engine import Engine

from didier.services.system.installation_key import KeyFile
from didier.services.users import authentication, one_time_codes
from didier.services.users.one_time_codes import CodeProof
from didier.storage.database import reading
from didier.storage.users import second_factors, users
from didier.storage.users.second_factors import SecondFactor
from didier.storage.users.users import StoredPassword

CODE_LIMIT = 100
"""Most characters of a code that is looked at."""


class CodeVerifier:
    """Gives the proof that a one-time code was compared, by the secret that *key_file* opens."""

    def __init__(self, engine: Engine, key_file: KeyFile) -> None:
        self._engine = engine
        self.key_file = key_file

    async def prove(self, user: str, code: str, *, to_confirm: bool = False) -> CodeProof:
        """Compare *code* with the second factor of *user*, or with the one that waits to be confirmed."""
        return await asyncio.to_thread(self._prove, user, code[:CODE_LIMIT], to_confirm)

    def _prove(self, user: str, code: str, to_confirm: bool) -> CodeProof:
        factor = self._factor(user)
        if factor and factor.confirmed_at is None and not to_confirm:
            factor = None
        return one_time_codes.compare(code, factor, self.key_file, datetime.now())

    def stored_password(self, user: str) -> StoredPassword | None:
        """Return what *user*'s password is compared with."""
        with reading(self._engine) as conn:
            return authentication.stored_password(conn, user)

    def _factor(self, user: str) -> SecondFactor | None:
        with reading(self._engine) as conn:
            account = users.accounts(conn, [user]).get(user)
            return second_factors.of_user(conn, account.user_id) if account else None
