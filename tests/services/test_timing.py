"""Whether a user exists is not told by the work that a refusal takes.

No time is measured: hashing is all that takes long, so it is counted.
"""

import pytest
from argon2 import PasswordHasher

from didier.services.users import passwords
from didier.storage.users.users import StoredPassword, VicidialHashing

HASHING = VicidialHashing("0123456789abcdef", 2)


@pytest.fixture
def hashes(monkeypatch):
    """The argon2id hashes that were compared."""
    compared = []
    verify = PasswordHasher.verify

    def counted(self, hash_, password):
        compared.append(password)
        return verify(self, hash_, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    return compared


STORED = {
    "nobody": None,
    "argon2id": StoredPassword(passwords.new_hash("right"), ""),
    "plain": StoredPassword("", "right"),
    "empty": StoredPassword("", ""),
    "VICIdial's hash": StoredPassword(passwords.vicidial_hash("right", HASHING.key, 2), "", HASHING),
    "no hash at all": StoredPassword("", "", HASHING),
    "unreadable": StoredPassword("$argon2-broken", ""),
}


@pytest.mark.parametrize("cleaned", ["wrong", "wrng"])
@pytest.mark.parametrize("stored", STORED)
def test_every_refusal_costs_the_same(hashes, stored, cleaned):
    """An unknown user and a wrong password, however the right one is stored, cost the same hashes."""
    proof = passwords.compare("wrong", cleaned, STORED[stored])

    assert not proof.matched
    assert sorted({"wrong", cleaned}) == sorted(hashes)


def test_a_refusal_does_not_end_early(hashes):
    """Both forms of the password are compared, also when the first one matches."""
    passwords.compare("right!", "right", STORED["argon2id"])

    assert ["right", "right!"] == sorted(hashes)
