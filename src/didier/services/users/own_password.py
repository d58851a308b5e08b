"""Changing one's own password: it takes the present one, and no right."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.errors import NotConfirmed
from didier.masking import MASK
from didier.services.users import sessions
from didier.services.users.account_writing import ToldUser, tell
from didier.services.users.authentication import Caller
from didier.services.users.confirmation import Confirmation, confirm
from didier.services.users.passwords import Proof
from didier.services.users.sessions import SessionSecret
from didier.storage.changes import event_sql, vicidial_logs
from didier.storage.changes.change_log import UPDATED
from didier.storage.statements import as_text
from didier.storage.tables import USERS
from didier.storage.users import tokens, users
from didier.storage.users.users import StoredPassword


@dataclass(frozen=True, slots=True)
class PasswordOrder:
    """A wish for another password; the present one is compared already.

    *session* is the one that the wish came with, if any: it goes on, and all others of the user end. With
    *revoke_tokens* the user's tokens are accepted no more.
    """

    caller: Caller
    proof: Proof
    new: StoredPassword
    session: SessionSecret | None = None
    revoke_tokens: bool = False


@dataclass(frozen=True, slots=True)
class PasswordChanged:
    """A password that was changed, and how many tokens were revoked with it."""

    tokens_revoked: int


def change(
    conn: Connection, orders: Sequence[PasswordOrder], now: datetime
) -> list[PasswordChanged | NotConfirmed]:
    """Set the passwords that *orders* ask for; each ends the count of failures."""
    return [_change(conn, order, now) for order in orders]


def _change(conn: Connection, order: PasswordOrder, now: datetime) -> PasswordChanged | NotConfirmed:
    user_id = order.caller.user.user_id
    if refused := confirm(conn, Confirmation(order.caller, proof=order.proof), now):
        return refused
    columns = {"pass": order.new.plain, "pass_hash": order.new.hash, "modify_stamp": as_text(now)}
    users.update(conn, [(user_id, {**columns, "failed_login_count": 0})])
    if order.session is not None:
        sessions.keep(conn, order.session, users.accounts_by_id(conn, [user_id])[user_id].password)
    revoked = tokens.revoke_all(conn, [user_id], now) if order.revoke_tokens else {}
    _log(conn, order.caller, now)
    return PasswordChanged(revoked.get(user_id, 0))


def _log(conn: Connection, caller: Caller, now: datetime) -> None:
    name = caller.user.name
    entry = vicidial_logs.AdminEntry(
        user=caller.name, address=caller.address, type="MODIFY", record_id=name,
        code="ADMIN API CHANGE OWN PASSWORD", notes=f"user: {name}", section="USERS",
        sql=event_sql.updated(USERS, {"pass": MASK}, {"user": name}),
    )  # fmt: skip
    vicidial_logs.write_admin(conn, [entry], now)
    group = caller.user.group
    tell(conn, [ToldUser(caller, UPDATED, name, group, group, ["pass"])], now)
