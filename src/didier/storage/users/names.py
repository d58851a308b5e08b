"""Names of users: which are taken, which the database takes for one, and the numbers that are given out."""

from collections.abc import Collection

from sqlalchemy.engine import Connection

from didier.domain.names import fold
from didier.storage import dialects, row_sets
from didier.storage.statements import as_json, insert, known_columns, run, run_change
from didier.storage.tables import SYSTEM_SETTINGS, USERS
from didier.storage.users.users import system_settings


def there(conn: Connection, names: Collection[str]) -> set[str]:
    """Return those of *names* that users have, compared as the database compares (`users.accounts`)."""
    if not names:
        return set()
    joined = row_sets.joined(dialects.of(conn), USERS, "user")
    return {row[0] for row in run(conn, f"SELECT r.value FROM {joined}", as_json(names))}


def look_alikes(conn: Connection, names: Collection[str]) -> set[str]:
    """Return those of *names* that a user has, or that look like a user's (`domain.names.fold`)."""
    folded = {name: fold(name) for name in names}
    taken = there(conn, {*folded, *folded.values()})
    alike = {name for name, plain in folded.items() if name in taken or plain in taken}
    if len(alike) == len(folded):
        return alike
    # What remains are names that are not ASCII: few, wherever there are any.
    others = f"SELECT user FROM {USERS} WHERE {dialects.of(conn).is_not_ascii('user')}"
    known = {fold(row[0]) for row in run(conn, others)}
    return alike | {name for name, plain in folded.items() if plain in known}


def keys(conn: Connection, names: Collection[str]) -> dict[str, frozenset[str]]:
    """Return for each of *names* texts of which names share one if they look alike or are equal here.

    It serves to tell names apart that no user has yet. MariaDB takes letters for one that look different,
    such as those of the two Japanese alphabets; SQLite does not.
    """
    folded = {name: fold(name) for name in names}
    weights = _weights(conn, {*folded, *folded.values()})
    return {
        name: frozenset({plain, weights.get(name, plain), weights.get(plain, plain)})
        for name, plain in folded.items()
    }


def _weights(conn: Connection, names: Collection[str]) -> dict[str, str]:
    if not dialects.of(conn).has_collations or all(name.isascii() for name in names):
        return {}
    source = dialects.of(conn).items("v", "VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    return {row[0]: f"={row[1]}" for row in run(conn, f"SELECT v, {_WEIGHT} FROM {source}", as_json(names))}


# The bytes by which MariaDB compares; VICIdial's tables are utf8mb3_unicode_ci.
_WEIGHT = "HEX(WEIGHT_STRING(CONVERT(v USING utf8mb3) COLLATE utf8mb3_unicode_ci))"

_FIRST_NUMBER = 101


def last_number(conn: Connection) -> int:
    """Return the last number that was given out as a user's name (``auto_user_add_value``)."""
    row = system_settings(conn, ("auto_user_add_value",))
    return row.get("auto_user_add_value") or _FIRST_NUMBER


def set_last_number(conn: Connection, number: int) -> None:
    """Remember that *number* was given out."""
    if not known_columns(conn, SYSTEM_SETTINGS, ("auto_user_add_value",)):
        return
    changed = run_change(conn, f"UPDATE {SYSTEM_SETTINGS} SET auto_user_add_value = ?", number)
    if not changed and dialects.of(conn).is_embedded:  # it begins without a row
        insert(conn, SYSTEM_SETTINGS, ("auto_user_add_value",), [(number,)])
