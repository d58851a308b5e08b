"""Where Didier answers better than VICIdial on purpose, on the wire."""

import pytest

from didier.cli.local import CALLER
from didier.services.batches import edits
from didier.services.batches.edits import LockOrder
from didier.storage.statements import run
from support.calls import SOURCE, Api


@pytest.fixture
def api(engine, now) -> Api:
    return Api(engine, now)


def column(api: Api, name: str, pattern: str = "5550001") -> list[tuple[object, ...]]:
    with api.engine.begin() as conn:
        return run(conn, f"SELECT {name} FROM vicidial_inbound_dids WHERE did_pattern = ?", pattern)


def copy(api: Api, new_dids: str, **parameters: str) -> list[str]:
    return api.call("copy_did", source_did_pattern=SOURCE, new_dids=new_dids, **parameters).splitlines()


def test_invalid_items_are_named_and_counted(api):
    """Items that are too long or of one character get a notice and count among the errors."""
    long = "1" * 51

    assert [
        "NOTICE: copy_did DID HAS BEEN ADDED - admin|5550001|18001234567|2|1",
        "NOTICE: copy_did DID PATTERN IS NOT VALID - admin|5",
        f"NOTICE: copy_did DID PATTERN IS NOT VALID - admin|{long}",
        "SUCCESS: copy_did DIDS HAVE BEEN ADDED - admin|18001234567|1|2",
    ] == copy(api, f"5550001,5,{long}")


@pytest.mark.parametrize(
    ("new_dids", "made"),
    [
        ("5550001,,5550002,", ["5550001", "5550002"]),
        ("5550001;5550002", ["5550001", "5550002"]),
        ("5550001\n5550002\t5550003", ["5550001", "5550002", "5550003"]),
        ("5550001 5550002", ["5550001", "5550002"]),
        ("1 800 555 0100", ["18005550100"]),
    ],
)
def test_lists_as_people_write_them(api, new_dids, made):
    """Empty items are skipped, other separators separate, numbers in groups are joined."""
    assert made == [line.split("|")[1] for line in copy(api, new_dids)[:-1]]


@pytest.mark.parametrize("new_dids", [SOURCE, f"{SOURCE},5550001", "5550001"])
def test_the_description_is_checked_first(api, new_dids):
    """A bad description stops the call before any notice, also when nothing is new."""
    assert [
        "ERROR: copy_did DID DESCRIPTION MUST BE EITHER BLANK OR FROM 6 TO 50 CHARACTERS,"
        " THIS IS AN OPTIONAL FIELD: |admin|Short"
    ] == copy(api, new_dids, did_description="Short")
    assert [] == column(api, "did_id")


@pytest.mark.parametrize("answer", ["n", "N"])
def test_lower_case_flags_are_understood(api, answer):
    """A lower-case n makes an inactive DID, and a lower-case y deletes."""
    api.call("add_did", did_pattern="5550001", active=answer)

    assert [("N",)] == column(api, "did_active")
    deleted = api.call(
        "update_did", did_pattern="5550001", delete_did=answer.replace("n", "y").replace("N", "Y")
    )
    assert "SUCCESS: update_did DID HAS BEEN DELETED - admin|5550001|2\n" == deleted


@pytest.mark.parametrize(
    ("parameter", "value", "text"),
    [
        ("active", "maybe", "ACTIVE MUST BE Y OR N"),
        ("list_id", "12abc34", "LIST ID MUST BE FROM 3 TO 14 DIGITS"),
        ("agent_search_method", "ZZ", "AGENT SEARCH METHOD MUST BE 2 CHARACTERS"),
        ("call_handle_method", "AB", "CALL HANDLE METHOD MUST BE FROM 3 TO 20 CHARACTERS"),
    ],
)
@pytest.mark.parametrize("function", ["add_did", "update_did"])
def test_what_is_not_understood_is_refused(api, function, parameter, value, text):
    """A value that VICIdial stores as something else is refused with the field's line."""
    pattern = "5550001" if function == "add_did" else SOURCE

    answer = api.call(function, did_pattern=pattern, **{parameter: value})

    assert f"ERROR: {function} {text}, THIS IS AN OPTIONAL FIELD: |admin|{value}\n" == answer


def test_dial_characters_stay_in_an_extension(api):
    """An extension is stored as it was sent, with star, hash and the like."""
    api.call("add_did", did_pattern="5550001", extension="*98#1.2+3:4")

    assert [("*98#1.2+3:4",)] == column(api, "extension")


def test_the_blank_marker_empties_a_field(api):
    """--BLANK-- empties what may be empty; what may not is refused."""
    api.call("update_did", did_pattern=SOURCE, did_description="--BLANK--", extension="--BLANK--")

    assert [("", "")] == column(api, "did_description, extension", SOURCE)
    refused = api.call("update_did", did_pattern=SOURCE, did_route="--BLANK--")
    assert (
        "ERROR: update_did DID ROUTE IS NOT VALID, THIS IS AN OPTIONAL FIELD: |admin|--BLANK--\n" == refused
    )


def test_a_limited_user_makes_dids_of_the_own_group(api):
    """What a user who sees one group adds belongs to that group."""
    with api.engine.begin() as conn:
        run(conn, "UPDATE vicidial_user_groups SET admin_viewable_groups = ' ADMIN '")

    api.call("add_did", did_pattern="5550001")

    assert [("ADMIN",)] == column(api, "user_group")


@pytest.mark.parametrize("force", [None, "N"])
def test_the_default_did_is_protected(api, force):
    """The DID that catches all other calls is deleted with force=Y alone."""
    api.call("add_did", did_pattern="default")
    ask = {"did_pattern": "default", "delete_did": "Y"}

    refused = api.call("update_did", **ask, force=force)

    assert "ERROR: update_did DID IS PROTECTED, force=Y DELETES IT: |admin|default\n" == refused
    forced = api.call("update_did", **ask, force="Y")
    assert "SUCCESS: update_did DID HAS BEEN DELETED - admin|default|2\n" == forced


def test_a_did_in_use_is_deleted_by_force_alone(api):
    """A DID to which another sends its calls is deleted with force=Y alone; the line names the places."""
    api.call("add_did", did_pattern="5550001", did_route="EXTEN", extension=SOURCE)
    ask = {"did_pattern": SOURCE, "delete_did": "Y"}

    line = f"ERROR: update_did DID IS IN USE, force=Y DELETES IT: |admin|{SOURCE}|DID 5550001 (extension)\n"
    assert line == api.call("update_did", **ask)
    assert "SUCCESS: update_did DID HAS BEEN DELETED" in api.call("update_did", **ask, force="Y")


def test_a_locked_did_is_not_deleted(api, engine, now):
    """A lock against deletion holds against force=Y too."""
    with engine.begin() as conn:
        edits.lock(conn, [LockOrder(CALLER, SOURCE)], now)
    line = f"ERROR: update_did DID IS LOCKED AGAINST DELETION: |admin|{SOURCE}\n"

    assert line == api.call("update_did", did_pattern=SOURCE, delete_did="Y", force="Y")


def test_phones_and_campaigns_are_not_looked_up(api):
    """As in VICIdial, a phone and a campaign may be named that are not there."""
    answer = api.call("update_did", did_pattern=SOURCE, phone_extension="1001", campaign_id="NOSUCH")

    assert f"SUCCESS: update_did DID HAS BEEN UPDATED - admin|{SOURCE}\n" == answer


def test_texts_are_not_too_long_for_their_bytes(engine, now):
    """26 accented letters are no more than 50 characters; three are enough, as in VICIdial."""
    with engine.begin() as conn:
        run(conn, "DELETE FROM system_settings")
        run(conn, "INSERT INTO system_settings (use_non_latin) VALUES ('1')")
    api = Api(engine, now, non_latin=True)

    assert "SUCCESS" in api.call("add_did", did_pattern="5550001", did_description="é" * 26)
    assert "SUCCESS" in api.call("add_did", did_pattern="5550002", did_description="é" * 3)
    assert "ERROR" in api.call("add_did", did_pattern="5550004", did_description="é" * 2)
    assert "ERROR" in api.call("add_did", did_pattern="5550003", did_description="\U0001d400" * 10)


def test_letters_that_no_table_holds_cost_nobody(api):
    """A character outside the basic plane in any parameter is logged as a question mark."""
    first, second = api.together(
        {"function": "copy_did", "source_did_pattern": SOURCE, "new_dids": "5550001", "x": "😀"},
        {"function": "copy_did", "source_did_pattern": SOURCE, "new_dids": "5550002", "user": "nobody"},
    )

    assert first.endswith("SUCCESS: copy_did DIDS HAVE BEEN ADDED - admin|18001234567|1|0\n")
    assert "ERROR: Login incorrect, please try again: |nobody|***|BAD|\n" == second
