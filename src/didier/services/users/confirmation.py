"""Showing once more, while signed in, that it is oneself: by the password or a one-time code."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.errors import LockedOut, NotConfirmed, WrongCode
from didier.services.users import tallies
from didier.services.users.authentication import Caller
from didier.services.users.one_time_codes import CodeProof
from didier.services.users.passwords import Proof
from didier.services.users.tallies import Changes, Tally
from didier.storage.users import users


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A wish of who is signed in to show once more that it is them: by a password or a one-time code.

    Both are compared already.
    """

    caller: Caller
    proof: Proof | None = None
    code: CodeProof | None = None


def confirm(conn: Connection, wish: Confirmation, now: datetime) -> NotConfirmed | None:
    """Say why *wish* does not show it; failures count, and lock the user out, as at a sign-in."""
    now, user_id = now.replace(microsecond=0), wish.caller.user.user_id
    account = users.accounts_by_id(conn, [user_id])[user_id]
    shown = [(user_id, wish.code)] if wish.code else []
    found = tallies.read(conn, [account], shown, now)
    refused = _decide(wish, found[user_id])
    tallies.record(conn, Changes.of(found.values()), now)
    return refused


def _decide(wish: Confirmation, tally: Tally) -> NotConfirmed | None:
    if tally.is_locked():
        tally.refuse("aLOCK")
        return NotConfirmed("", str(LockedOut()))
    if wish.proof is not None:
        right = wish.proof.matched and wish.proof.stored == tally.account.password
        refused = NotConfirmed("password", "this is not your current password")
    else:
        right, refused = _is_right(wish.code, tally), NotConfirmed("code", str(WrongCode()))
    if right:
        return None
    tally.fail(wish.caller.address)
    return refused


def _is_right(code: CodeProof | None, tally: Tally) -> bool:
    if code is None or tally.factor is None or code.sealed != tally.factor.secret:
        return False
    return tally.use(code)
