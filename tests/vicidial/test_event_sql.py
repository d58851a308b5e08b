"""VICIdial's admin log says what was changed, in its column for SQL."""

import pytest

from didier.storage.changes.event_sql import LIMIT, inserted
from support.calls import SOURCE, Api

NEW_USER = {
    "agent_user": "2001", "agent_pass": "NewSecret77", "agent_user_level": "1",
    "agent_full_name": "Pat", "agent_user_group": "ADMIN",
}  # fmt: skip


@pytest.fixture
def api(engine, now):
    return Api(engine, now)


def logged(api):
    """Return the column of the last line."""
    return api.sql("SELECT event_sql FROM vicidial_admin_log ORDER BY admin_log_id DESC LIMIT 1")[0][0]


def test_a_copy(api):
    """The last number that was created, the overrides and the source; Didier's batch stands first."""
    api.call(
        "copy_did", source_did_pattern=SOURCE, new_dids="5550001,5550002", did_description="Sales's line"
    )

    batch, sql, end = logged(api).split("|")
    assert batch.startswith("didier batch ")
    assert (
        "INSERT INTO vicidial_inbound_dids (did_pattern, did_description, ...)"
        " SELECT '5550002', 'Saless line', ... FROM vicidial_inbound_dids WHERE did_id='1'" == sql
    )
    assert "" == end


def test_changes_of_a_did(api):
    """What is set, and nothing else; a deletion names the number."""
    api.call("add_did", did_pattern="5550001", did_route="VOICEMAIL", voicemail_ext="8500")
    added = logged(api)
    api.call("update_did", did_pattern="5550001", active="N", voicemail_ext="8500", extension="--BLANK--")
    updated = logged(api)
    api.call("update_did", did_pattern="5550001", delete_did="Y")
    deleted = logged(api)

    assert added.endswith(
        "|INSERT INTO vicidial_inbound_dids SET did_pattern='5550001', did_route='VOICEMAIL',"
        " voicemail_ext='8500'|"
    )
    assert updated.endswith(
        "|UPDATE vicidial_inbound_dids SET did_active='N', extension='' WHERE did_id='2'|"
    )
    assert deleted.endswith("|DELETE FROM vicidial_inbound_dids WHERE did_id='2' AND did_pattern='5550001'|")


def test_changes_of_a_user(api):
    """Passwords are not in it."""
    said = []
    for function, parameters in (
        ("add_user", {**NEW_USER, "phone_pass": "Phone88"}),
        ("update_user", {"agent_user": "2001", "agent_pass": "Changed-1", "custom_one": "a's"}),
        ("copy_user", {**NEW_USER, "agent_user": "3001", "source_user": "2001"}),
        ("update_user", {"agent_user": "2001", "delete_user": "Y"}),
        ("server_refresh", {"stage": "REFRESH"}),
    ):
        api.call(function, **parameters)
        said.append(logged(api))

    assert [
        "INSERT INTO vicidial_users SET user='2001', pass='***', full_name='Pat', user_level='1',"
        " user_group='ADMIN', phone_pass='***'|",
        "UPDATE vicidial_users SET custom_one='as', pass='***', failed_login_count='0' WHERE user='2001'|",
        "INSERT INTO vicidial_users (user, pass, full_name, ...) SELECT '3001', '***', 'Pat', ..."
        " FROM vicidial_users WHERE user='2001'|",
        "DELETE FROM vicidial_users WHERE user='2001'|",
        "UPDATE servers SET rebuild_conf_files='Y'|",
    ] == said


def test_values_cannot_pass_for_a_batch(api):
    """A value that looks like Didier's own mark stands behind it, and quotes end no value."""
    assert "INSERT INTO t SET a='didier batch 7| ''x''', b=NULL" == inserted(
        "t", {"a": "didier batch 7| 'x'", "b": None}
    )
    assert LIMIT == len(inserted("t", {"a": "x" * 2 * LIMIT}))
