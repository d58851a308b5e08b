import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from didier.services.users import passwords
from didier.services.users.passwords import KEEP_MOST, KEEP_SECONDS, Memory, Proof, compare, new_hash
from didier.storage.users.users import StoredPassword

PASSWORD = "Tr0ub4dor&3"
HASHED = StoredPassword(hash=new_hash(PASSWORD), plain="")
PLAIN = StoredPassword(hash="", plain=PASSWORD)
MATCH = Proof(HASHED, matched=True)


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("stored", [HASHED, PLAIN], ids=["hashed", "plain"])
def test_the_password_matches(stored):
    """The password itself matches, and the proof says with what it was compared."""
    assert Proof(stored, matched=True) == compare(PASSWORD, "Tr0ub4dor3", stored)


@pytest.mark.parametrize("stored", [HASHED, PLAIN], ids=["hashed", "plain"])
@pytest.mark.parametrize("wrong", ["tr0ub4dor&3", "Tr0ub4dor3", "Tr0ub4dor&3 ", "", "é", PASSWORD * 2])
def test_another_password_does_not_match(stored, wrong):
    """Case, punctuation and spaces count."""
    assert Proof(stored, matched=False) == compare(wrong, wrong, stored)


@pytest.mark.parametrize(
    "stored",
    [StoredPassword(hash=new_hash("ab"), plain=""), StoredPassword("", "ab")],
    ids=["hashed", "plain"],
)
def test_the_cleaned_form_matches_too(stored):
    """A password that VICIdial's pages stored without its punctuation is accepted as it is typed."""
    assert compare("a&b", "ab", stored).matched


@pytest.mark.parametrize("stored", [StoredPassword("", ""), HASHED, PLAIN], ids=["none", "hashed", "plain"])
@pytest.mark.parametrize("cleaned", ["", "\0"])
def test_an_empty_password_never_matches(stored, cleaned):
    """Nobody signs in with an empty password, also where none is stored."""
    assert not compare("", cleaned, stored).matched


def test_an_unknown_user_never_matches():
    """Where there is no user the proof says so."""
    assert Proof(None, matched=False) == compare(PASSWORD, PASSWORD, None)


@pytest.mark.parametrize("hash_", ["x", "$2a$08$abc", "$argon2id$", "é", " "])
def test_an_unreadable_hash_matches_nothing(hash_):
    """A hash of another kind matches no password, and is not compared as plain text."""
    assert not compare(hash_, PASSWORD, StoredPassword(hash_, PASSWORD)).matched


def test_a_hash_counts_more_than_the_plain_password():
    """Where there is a hash the plain column is not looked at."""
    assert not compare("other", "other", StoredPassword(HASHED.hash, "other")).matched


def test_hashes_are_salted_argon2id():
    """Two hashes of one password differ, and are argon2id."""
    one, other = new_hash(PASSWORD), new_hash(PASSWORD)

    assert one != other
    assert one.startswith("$argon2id$")
    assert len(one) <= 500


@settings(max_examples=10, deadline=None)
@given(st.text(min_size=1))
def test_every_password_matches_its_own_hash(password):
    """Whatever the characters, a password matches what was made of it."""
    assert compare(password, "", StoredPassword(new_hash(password), "")).matched


def test_stored_passwords_are_not_shown():
    """Neither hash nor plain password is in the text form of what holds them."""
    shown = repr(Proof(StoredPassword(HASHED.hash, PASSWORD), matched=True))

    assert PASSWORD not in shown
    assert HASHED.hash not in shown


def test_a_match_is_remembered():
    """A pair that matched is recalled with its proof."""
    memory = Memory()
    memory.remember("admin", PASSWORD, MATCH)

    assert MATCH is memory.recall("admin", PASSWORD)


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("admin", "other"),
        ("other", PASSWORD),
        ("admin" + PASSWORD[0], PASSWORD[1:]),
        ("admi", "n" + PASSWORD),
    ],
)
def test_another_pair_is_not_recalled(user, password):
    """User and password count each for itself, not as one text."""
    memory = Memory()
    memory.remember("admin", PASSWORD, MATCH)

    assert None is memory.recall(user, password)


def test_a_mismatch_is_not_remembered():
    """A wrong password is compared every time."""
    memory = Memory()
    memory.remember("admin", PASSWORD, Proof(HASHED, matched=False))

    assert None is memory.recall("admin", PASSWORD)


def test_memory_ends():
    """What is remembered counts until it was not used for the time."""
    clock = Clock()
    memory = Memory(clock=clock)
    memory.remember("admin", PASSWORD, MATCH)

    clock.now += KEEP_SECONDS - 1
    assert MATCH is memory.recall("admin", PASSWORD)
    clock.now += KEEP_SECONDS - 1
    assert MATCH is memory.recall("admin", PASSWORD)
    clock.now += KEEP_SECONDS
    assert None is memory.recall("admin", PASSWORD)


def test_remembering_again_begins_anew():
    """The time counts from the last comparison, and the last proof counts."""
    clock = Clock()
    memory = Memory(keep=10, clock=clock)
    memory.remember("admin", PASSWORD, MATCH)
    clock.now += 9
    newer = Proof(PLAIN, matched=True)
    memory.remember("admin", PASSWORD, newer)
    clock.now += 9

    assert newer is memory.recall("admin", PASSWORD)


def test_the_oldest_goes():
    """The memory is bounded: one pair too many drops the one that was remembered first."""
    memory = Memory()
    for i in range(KEEP_MOST + 1):
        memory.remember(f"user{i}", PASSWORD, MATCH)

    assert None is memory.recall("user0", PASSWORD)
    assert MATCH is memory.recall("user1", PASSWORD)
    assert MATCH is memory.recall(f"user{KEEP_MOST}", PASSWORD)


def test_memories_share_nothing():
    """Each memory has its own key; what one knows another does not."""
    one, other = Memory(), Memory()
    one.remember("admin", PASSWORD, MATCH)

    assert None is other.recall("admin", PASSWORD)


@pytest.mark.parametrize("password", ["\ud800", "\0", "é" * 1000])
def test_any_text_can_be_remembered(password):
    """Also texts that cannot be encoded are recalled."""
    memory = Memory()
    memory.remember(password, password, MATCH)

    assert MATCH is memory.recall(password, password)


def test_times_are_public():
    """The time a match is remembered is a few minutes."""
    assert 60 <= passwords.KEEP_SECONDS <= 900


def test_the_cleaned_form_of_a_stored_password_is_accepted_where_it_is_given():
    """A plain password stored with punctuation is matched by its cleaned form, a hash is not."""
    plain, hashed = StoredPassword("", "Pa.ss-W0"), StoredPassword(new_hash("Pa.ss-W0"), "")

    assert compare("Pass-W0", "Pass-W0", plain, "Pass-W0").matched
    assert compare("Pa.ss-W0", "Pass-W0", plain, "Pass-W0").matched
    assert not compare("Pass-W0", "Pass-W0", plain).matched
    assert not compare("Pass-W0", "Pass-W0", hashed, "Pass-W0").matched
    assert not compare("", "", StoredPassword("", ""), "").matched
