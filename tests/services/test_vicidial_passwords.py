import pytest
from structlog.testing import capture_logs

from didier.services.users import authentication, passwords
from didier.services.users.authentication import Credentials, sign_in
from didier.services.users.passwords import Proof, compare, vicidial_hash
from didier.storage.database import open_engine
from didier.storage.statements import run
from didier.storage.users.users import StoredPassword, VicidialHashing

KEY = "abcdefghijklmnop"
VECTORS = [
    ("1234", KEY, 4, "uTpfxUqSKSbGH6FhoDfMWL1iFXhpekW"),
    ("Secret-99", "0123456789ABCDEF", 5, "KKxb5RToRe5XO804rUcDlNVW4tm.y5e"),
    ("1234", KEY, 2, "Y/Na39W6za4KndMDaKQ/9XRGzqJyPve"),
]
"""Passwords, keys and costs, and what VICIdial stores for them."""


@pytest.mark.parametrize(("password", "key", "cost", "stored"), VECTORS)
def test_hashes_are_vicidials(password, key, cost, stored):
    """What is made of a password is what VICIdial stores, below bcrypt's usual costs too."""
    assert stored == vicidial_hash(password, key, cost)


@pytest.mark.parametrize(("password", "key", "cost", "stored"), VECTORS)
def test_a_vicidial_hash_is_compared(password, key, cost, stored):
    """The right password matches a hash of VICIdial's, and no other does."""
    found = StoredPassword(stored, "", VicidialHashing(key, cost))

    assert Proof(found, matched=True) == compare(password, "", found)
    for wrong in (f"{password}x", password[:-1], password.swapcase() + "-", stored, "", "é"):
        assert not compare(wrong, wrong, found).matched


def test_the_cleaned_form_matches():
    """A password that VICIdial's pages stored without its punctuation is accepted as it is typed."""
    found = StoredPassword(vicidial_hash("1234", KEY, 2), "", VicidialHashing(KEY, 2))

    assert compare("1&2&3&4", "1234", found).matched


@pytest.mark.parametrize(
    "hashing",
    [VicidialHashing("", 2), VicidialHashing(KEY[:-1], 2), VicidialHashing(KEY + "q", 2),
     VicidialHashing("é" * 16, 2), VicidialHashing(KEY, 32), VicidialHashing(KEY, 255)],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("stored", ["", VECTORS[2][3]])
def test_what_cannot_be_computed_is_refused(hashing, stored):
    """With a key or a cost that bcrypt has not, nobody signs in, and the log says why."""
    with capture_logs() as logs:
        assert not compare("1234", "1234", StoredPassword(stored, "1234", hashing)).matched

    assert ["password_not_comparable"] == [entry["event"] for entry in logs]
    assert "system_settings" in logs[0]["reason"]
    assert "1234" not in str(logs)


@pytest.mark.parametrize("hash_", ["", "1234", "uTpf"])
def test_plain_text_does_not_count_beside_hashing(hash_):
    """Where VICIdial hashes, neither the plain column nor a hash of another form lets anybody in."""
    assert not compare("1234", "1234", StoredPassword(hash_, "1234", VicidialHashing(KEY, 2))).matched


def test_long_passwords_count_to_72_bytes():
    """As bcrypt has it, 72 bytes count."""
    same = {vicidial_hash("x" * length, KEY, 0) for length in (72, 73, 200)}

    assert 1 == len(same)
    assert vicidial_hash("x" * 71, KEY, 0) not in same


def test_a_zero_byte_never_matches():
    """A password with a zero byte is not cut there."""
    found = StoredPassword(vicidial_hash("1234", KEY, 2), "", VicidialHashing(KEY, 2))

    assert not compare("1234\0x", "", found).matched


def test_key_and_hash_are_not_shown():
    """The salt of all passwords is not in the text form of what holds it."""
    assert KEY not in repr(StoredPassword("", "", VicidialHashing(KEY, 2)))


# In the database ----------------------------------------------------------------------------------


class Office:
    """A database whose VICIdial hashes passwords or not."""

    def __init__(self, engine, now):
        self.engine = engine
        self.now = now

    def sql(self, statement, *values):
        with self.engine.begin() as conn:
            return run(conn, statement, *values)

    def hashing(self, enabled, key=KEY, cost=2):
        self.sql("DELETE FROM system_settings")
        self.sql(
            "INSERT INTO system_settings (pass_hash_enabled, pass_key, pass_cost) VALUES (?, ?, ?)",
            "1" if enabled else "0", key, cost,
        )  # fmt: skip

    def stored(self, hash_, plain=""):
        self.sql("UPDATE vicidial_users SET pass_hash = ?, pass = ? WHERE user = 'admin'", hash_, plain)

    def lets_in(self, password):
        with self.engine.begin() as conn:
            proof = compare(password, password, authentication.stored_password(conn, "admin"))
            [outcome] = sign_in(conn, [Credentials("admin", proof, "192.0.2.7", 7)], self.now)
        return proof.matched and hasattr(outcome, "level")


@pytest.fixture
def office(engine, now):
    return Office(engine, now)


def test_vicidials_hash_signs_in(office):
    """Hash, key and cost are read from where VICIdial keeps them."""
    office.hashing(True)
    office.stored(VECTORS[2][3])

    assert office.lets_in("1234")
    assert not office.lets_in("12345")


def test_the_plain_column_does_not_count_while_hashing_is_on(office):
    """A plain password that was left in its column lets nobody in."""
    office.hashing(True)
    office.stored("", "left-over")

    assert not office.lets_in("left-over")


def test_vicidials_hash_does_not_count_while_hashing_is_off(office):
    """Where hashing was switched off again the plain column counts, as in VICIdial."""
    office.hashing(False)
    office.stored(VECTORS[2][3], "plain-1")

    assert office.lets_in("plain-1")
    assert not office.lets_in("1234")


def test_a_hash_left_alone_is_no_plain_password(office):
    """A hash of VICIdial's is not taken for a password itself."""
    office.hashing(False)
    office.stored(VECTORS[2][3])

    assert not office.lets_in("1234")
    assert not office.lets_in(VECTORS[2][3])


def test_a_password_set_in_vicidial_counts_at_once(office):
    """A plain password that VICIdial's pages put beside Didier's hash is the newer one."""
    office.stored(passwords.new_hash("old-1"), "new-2")

    assert office.lets_in("new-2")
    assert not office.lets_in("old-1")


def test_argon2_counts_beside_hashing(office):
    """A hash that Didier made stays valid when VICIdial's hashing is switched on."""
    office.hashing(True)
    office.stored(passwords.new_hash("mine-1"))

    assert office.lets_in("mine-1")


def test_another_key_makes_the_proof_stale(office):
    """A proof counts only while key and cost are those that it was made with."""
    office.hashing(True)
    office.stored(VECTORS[2][3])
    with office.engine.begin() as conn:
        proof = compare("1234", "1234", authentication.stored_password(conn, "admin"))
    office.hashing(True, cost=4)

    with office.engine.begin() as conn:
        [outcome] = sign_in(conn, [Credentials("admin", proof, "192.0.2.7", 7)], office.now)

    assert isinstance(outcome, authentication.StaleProof)


@pytest.mark.parametrize("missing", ["pass_hash_enabled", "pass_cost"])
def test_older_versions_have_no_hashing(office, database_url, missing):
    """A VICIdial without the columns of hashing has plain passwords."""
    office.sql(f"ALTER TABLE system_settings DROP COLUMN {missing}")
    office.stored("", "1234")
    office.engine = open_engine(database_url)

    assert office.lets_in("1234")


def test_signing_in_needs_no_settings(office, database_url):
    """Without system_settings, and without IP lists and two-factor tables, passwords still count."""
    for table in ("vicidial_ip_lists", "vicidial_ip_list_entries", "vicidial_two_factor_auth"):
        office.sql(f"DROP TABLE {table}")
    office.engine = open_engine(database_url)

    assert office.lets_in("1234")


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)  # an embedded database has the tables
def test_lists_that_this_version_does_not_have_forbid_nothing(office, database_url):
    """Settings may speak of tables that are not there."""
    office.sql("DELETE FROM system_settings")
    office.sql("INSERT INTO system_settings (allow_ip_lists, system_ip_blacklist) VALUES ('1', 'BLACK')")
    for table in ("vicidial_ip_lists", "vicidial_ip_list_entries"):
        office.sql(f"DROP TABLE {table}")
    office.engine = open_engine(database_url)

    assert office.lets_in("1234")
