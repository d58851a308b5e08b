"""Plain passwords that stand in the database, replaced by hashes once they were compared."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from didier.services.users.passwords import Proof, new_hash
from didier.storage.users import users
from didier.storage.users.users import StoredPassword


@dataclass(frozen=True, slots=True)
class Replacement:
    """A plain password found in the database, and the hash that shall stand there instead."""

    user: str
    plain: StoredPassword
    hash: str


def hashed(user: str, proof: Proof) -> Replacement | None:
    """Return what replaces the plain password that *proof* was compared with; slow."""
    if not proof.matched or proof.stored is None or proof.stored.hash:
        return None
    return Replacement(user, proof.stored, new_hash(proof.stored.plain))


def replace(conn: Connection, orders: Sequence[Replacement]) -> list[Proof]:
    """Store the hashes, each unless the password was changed meanwhile; return the proofs.

    Where it was changed the proof is the one that was had: it is of another password than the stored one,
    so that signing in finds it stale and the password is compared again.
    """
    accounts = users.accounts(conn, [order.user for order in orders])
    hashes: dict[int, str] = {}
    proofs = []
    for order in orders:
        account = accounts.get(order.user)
        if account and account.password == order.plain:
            stored = hashes.setdefault(account.user_id, order.hash)
            proofs.append(Proof(StoredPassword(stored, ""), matched=True))
        else:
            proofs.append(Proof(order.plain, matched=True))
    users.update(conn, [(user_id, {"pass": "", "pass_hash": text}) for user_id, text in hashes.items()])
    return proofs
