"""What signing in reads and stores, by sets: on both databases."""

import pytest

from didier.storage.statements import run
from didier.storage.users import users
from support.statements import sent


@pytest.fixture
def ids(conn):
    """The ids of some users."""
    for number in range(5):
        users.add(conn, {"user": f"u{number}", "pass": "x", "user_level": 8})
    return [
        row[0]
        for row in run(conn, "SELECT user_id FROM vicidial_users WHERE user LIKE ? ORDER BY user", "u_")
    ]


def rows(conn, columns, ids):
    sql = f"SELECT {columns} FROM vicidial_users WHERE user_id BETWEEN ? AND ? ORDER BY user_id"
    return run(conn, sql, ids[0], ids[-1])


def test_users_get_columns_of_their_own(conn, ids):
    """One statement for each set of columns; what the table does not have is left out."""
    changes = [(user_id, {"failed_login_count": place, "last_ip": f"10.0.0.{place}", "no_such_column": 1})
               for place, user_id in enumerate(ids[:3])]  # fmt: skip
    changes += [(ids[3], {"failed_login_count": 7}), (ids[4], {"no_such_column": 1})]

    assert 2 == sent(conn, lambda: users.update(conn, changes))
    assert [(0, "10.0.0.0"), (1, "10.0.0.1"), (2, "10.0.0.2"), (7, None), (0, None)] == [
        (count, address or None) for count, address in rows(conn, "failed_login_count, last_ip", ids)
    ]


def test_texts_and_nothing_are_stored_as_they_are(conn, ids):
    """Quotes, backslashes, letters of any script, and NULL."""
    values = ["it's", 'a"b\\c', "é电?%s", None, ""]
    users.update(conn, [(user_id, {"full_name": value}) for user_id, value in zip(ids, values, strict=True)])

    assert values == [row[0] for row in rows(conn, "full_name", ids)]
