"""Second factors of users: tables ``didier_second_factors`` and ``didier_recovery_codes``.

Their secrets are sealed, see `services.installation_key`; of recovery codes the digests alone are stored.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.storage import dialects, row_sets
from didier.storage.failures import Outrun
from didier.storage.statements import as_moment, as_text, insert, run, scalar

_TABLE = "didier_second_factors"
_CODES = "didier_recovery_codes"
_COLUMNS = (
    "user_id", "user_name", "secret", "confirmed_at", "last_step", "keeps_password", "created_at",
)  # fmt: skip
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM {_TABLE}"


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """A second factor of a user.

    *confirmed_at* is None until a code has shown that the user has the secret, and nothing is asked for
    before; *last_step* is that of the last code that was used. With *keeps_password* the password alone
    opens what cannot ask for a code.
    """

    user_id: int
    user_name: str
    secret: str  # sealed
    confirmed_at: datetime | None
    last_step: int
    keeps_password: bool
    created_at: datetime


def of_user(conn: Connection, user_id: int) -> SecondFactor | None:
    """Return the second factor of a user, confirmed or not."""
    rows = run(conn, f"{_SELECT} WHERE user_id = ?", user_id)
    return _factor(rows[0]) if rows else None


def holders(conn: Connection, user_ids: Collection[int]) -> set[int]:
    """Return those of the users *user_ids* who have a second factor, confirmed or not."""
    rows = row_sets.find(conn, _TABLE, ("user_id",), [(user_id,) for user_id in user_ids], ("user_id",))
    return {row[0] for row in rows}


def confirmed(conn: Connection, user_ids: Collection[int]) -> dict[int, SecondFactor]:
    """Return the confirmed second factors of those users who have one, by the users' ids."""
    rows = row_sets.find(conn, _TABLE, ("user_id",), [(user_id,) for user_id in user_ids], _COLUMNS)
    return {row[0]: factor for row in rows if (factor := _factor(row)).confirmed_at is not None}


def _factor(row: Sequence[Any]) -> SecondFactor:
    values = dict(zip(_COLUMNS, row, strict=True))
    for name in ("confirmed_at", "created_at"):
        values[name] = as_moment(values[name])
    return SecondFactor(**{**values, "keeps_password": bool(values["keeps_password"])})


def put(conn: Connection, factor: SecondFactor) -> None:
    """Store a second factor in the place of what the user had before."""
    remove(conn, factor.user_id)
    row = (
        factor.user_id, factor.user_name, factor.secret,
        factor.confirmed_at and as_text(factor.confirmed_at), factor.last_step, int(factor.keeps_password),
        as_text(factor.created_at),
    )  # fmt: skip
    insert(conn, _TABLE, _COLUMNS, [row])


def confirm(conn: Connection, user_id: int, now: datetime) -> None:
    """Let a second factor be asked for from now on."""
    run(conn, f"UPDATE {_TABLE} SET confirmed_at = ? WHERE user_id = ?", as_text(now), user_id)


@dataclass(frozen=True, slots=True)
class StepUse:
    """That the code of time step *step* of *factor* was used, and perhaps others since its last step."""

    factor: SecondFactor
    step: int


def use_steps(conn: Connection, uses: Sequence[StepUse]) -> None:
    """Store the last steps that were used, one for each factor.

    Raises `Outrun` where another one was used, or the secret was changed, since the factor was read.
    """
    key = ("user_id", "secret", "last_step")
    rows = [(use.factor.user_id, use.factor.secret, use.factor.last_step, use.step) for use in uses]
    if row_sets.update(conn, _TABLE, key, ("last_step",), rows) != len(rows):
        raise Outrun


def keep_password(conn: Connection, user_id: int, keeps: bool) -> None:
    """Store whether the password alone opens what cannot ask for a code."""
    run(conn, f"UPDATE {_TABLE} SET keeps_password = ? WHERE user_id = ?", int(keeps), user_id)


def remove(conn: Connection, user_id: int) -> None:
    """Forget the second factor of a user, and its recovery codes."""
    remove_each(conn, [user_id])


def remove_each(conn: Connection, user_ids: Collection[int]) -> None:
    """Forget the second factors of users, and their recovery codes."""
    for table in (_TABLE, _CODES):
        row_sets.delete(conn, table, ("user_id",), [(user_id,) for user_id in user_ids])


def replace_codes(conn: Connection, user_id: int, digests: Iterable[str]) -> None:
    """Store new recovery codes in the place of those that the user had."""
    run(conn, f"DELETE FROM {_CODES} WHERE user_id = ?", user_id)
    insert(conn, _CODES, ("user_id", "digest"), [(user_id, digest) for digest in digests])


RecoveryCode = tuple[int, str]
"""The id of a user, and the digest of a recovery code."""


def unused(conn: Connection, codes: Collection[RecoveryCode]) -> set[RecoveryCode]:
    """Return those of the recovery *codes* that are there and were not used."""
    rows = row_sets.find(conn, _CODES, ("user_id", "digest"), codes, ("user_id", "digest", "used_at"))
    return {(user_id, digest) for user_id, digest, used_at in rows if used_at is None}


def use_codes(conn: Connection, codes: Collection[RecoveryCode], now: datetime) -> None:
    """Store that recovery *codes* were used; raises `Outrun` where one was used since it was looked for."""
    rows = [(*code, as_text(now)) for code in codes]
    key = ("user_id", "digest")
    if row_sets.update(conn, _CODES, key, ("used_at",), rows, "used_at IS NULL") != len(rows):
        raise Outrun


def codes_left(conn: Connection, user_id: int) -> int:
    """Return how many recovery codes a user has not used."""
    sql = f"SELECT count(*) FROM {_CODES} WHERE user_id = ? AND used_at IS NULL"
    return int(scalar(conn, sql, user_id))


def any_sealed(conn: Connection) -> bool:
    """Say whether there is a sealed secret."""
    return bool(scalar(conn, f"SELECT count(*) FROM {_TABLE}"))


def secrets(conn: Connection, *, hold: bool = False) -> list[tuple[int, str]]:
    """Return the sealed secrets of all users, with the users' ids; *hold* keeps others from changing them."""
    lock = dialects.of(conn).row_lock if hold else ""
    return [(row[0], row[1]) for row in run(conn, f"SELECT user_id, secret FROM {_TABLE}{lock}")]


def set_secret(conn: Connection, user_id: int, secret: str) -> None:
    """Store the secret of a user, sealed again."""
    run(conn, f"UPDATE {_TABLE} SET secret = ? WHERE user_id = ?", secret, user_id)
