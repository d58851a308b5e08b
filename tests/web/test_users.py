"""Users made over HTTP: their passwords are hashed on the way and found nowhere."""

from pathlib import Path

from didier.masking import MASK

SECRET = "NewSecret77"


def ask(server, **parameters):
    login = {"user": "admin", "pass": "1234", "source": "test"}
    return server.call(**{**login, **parameters})


def test_a_new_user_signs_in(server):
    """A copied user can work at once, a changed password counts at once."""
    made = ask(
        server, function="copy_user", agent_user="3001", agent_pass=SECRET, agent_full_name="Copy",
        source_user="admin",
    )  # fmt: skip
    first = ask(server, user="3001", **{"pass": SECRET}, function="add_did", did_pattern="5551234")
    ask(server, function="update_user", agent_user="3001", agent_pass="Changed99")
    old = ask(server, user="3001", **{"pass": SECRET}, function="add_did", did_pattern="5551235")
    new = ask(server, user="3001", **{"pass": "Changed99"}, function="add_did", did_pattern="5551235")

    assert f"SUCCESS: copy_user USER HAS BEEN COPIED - admin|3001|{MASK}|Copy|admin\n" == made
    assert "SUCCESS: add_did DID HAS BEEN ADDED - 3001|5551234\n" == first
    assert f"ERROR: Login incorrect, please try again: |3001|{MASK}|BAD|\n" == old
    assert "SUCCESS: add_did DID HAS BEEN ADDED - 3001|5551235\n" == new


def test_the_new_password_is_in_no_file(server):
    """Neither the database nor its journal holds the password."""
    ask(
        server, function="add_user", agent_user="2001", agent_pass=SECRET, agent_user_level="1",
        agent_full_name="New", agent_user_group="ADMIN", phone_pass=f"{SECRET}p",
    )  # fmt: skip

    files = [file for file in Path(server.database).parent.iterdir() if file.is_file()]
    assert any(b"2001" in file.read_bytes() for file in files)
    assert [] == [file for file in files if SECRET.encode() in file.read_bytes()]


def test_a_wrong_password_makes_nobody(server):
    """Whoever does not sign in makes nobody."""
    answer = ask(
        server, **{"pass": "wrong"}, function="add_user", agent_user="2001", agent_pass=SECRET,
        agent_user_level="1", agent_full_name="New", agent_user_group="ADMIN",
    )  # fmt: skip

    assert f"ERROR: Login incorrect, please try again: |admin|{MASK}|BAD|\n" == answer
    assert "ERROR: user_details USER NOT FOUND: admin|2001\n" == ask(
        server, function="user_details", agent_user="2001"
    )
