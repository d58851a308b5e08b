"""`didier groups`, `menus`, `phones` and `servers` on a database of Didier's own, and on VICIdial's."""

import pytest

from support.commands import run

SERVER = ("servers", "add", "one", "--set", "server_ip=192.0.2.10", "--name", "Leeds")
LIVES = [
    (("groups",), ("SALES",), ("--name", "Sales line"), ("--set", "active=N"), "active"),
    (("menus",), ("MAIN",), ("--name", "Main menu"), ("--set", "menu_timeout=5"), "menu_timeout"),
    (
        ("phones",), ("gs102", "192.0.2.10"), ("--set", "dialplan_number=8602"), ("--name", "Desk"),
        "fullname",
    ),
    (("servers",), ("two",), ("--set", "server_ip=192.0.2.11"), ("--blank", "asterisk_version"),
     "asterisk_version"),
]  # fmt: skip


@pytest.fixture
def here(demo_url):
    """Commands on an embedded database that has a server."""

    def command(*arguments):
        return run(*arguments, "--database", demo_url)

    assert ["The server one was created."] == command(*SERVER).lines
    return command


@pytest.mark.parametrize(("group", "key", "new", "change", "column"), LIVES)
def test_a_whole_life(here, group, key, new, change, column):
    """Each command says what it did; what is created is listed and shown."""
    kind = {"groups": "in-group", "menus": "call menu", "phones": "phone", "servers": "server"}[group[0]]
    named = f"The {kind} {' on '.join(key)} was"
    added = here(*group, "add", *key, *new)
    updated = here(*group, "update", *key, *change)
    listed = here(*group, "list", key[0], "--json").json
    shown = here(*group, "show", *key, "--json").json
    as_text = here(*group, "show", *key)
    deleted = here(*group, "delete", *key, "--yes")
    gone = here(*group, "show", *key)

    assert [[f"{named} created."], [f"{named} updated: {column}."], [f"{named} deleted."]] == [
        done.lines for done in (added, updated, deleted)
    ]
    assert [shown] == listed
    assert key[0] == as_text.lines[0].split()[1]
    assert (1, f"didier: there is no {kind} {' on '.join(key)}\n") == (gone.status, gone.err)


def test_a_did_leads_there_without_sql(here):
    """The in-group can be chosen at once; while the DID leads there, only force deletes it."""
    here("groups", "add", "SALES", "--name", "Sales line")
    made = here("add", "5550001", "--set", "did_route=IN_GROUP", "--set", "group_id=SALES")
    refused = here("groups", "delete", "SALES", "--yes")
    forced = here("groups", "delete", "SALES", "--force", "--yes")

    assert (0, 1, 0) == (made.status, refused.status, forced.status)
    assert "in-group SALES is in use by DID 5550001" in refused.err


def test_options_are_typed_as_they_are_shown(here):
    """They replace each other, and can be removed."""
    here("groups", "add", "SALES", "--name", "Sales line")
    typed = ["1=INGROUP:SALES", "2=EXTENSION:8300@default", "TIMEOUT=HANGUP"]
    made = here("menus", "add", "MAIN", "--name", "Main", *(f"--option={one}" for one in typed))
    shown = [line.split()[1] for line in here("menus", "show", "MAIN").lines if "option" in line]
    changed = here("menus", "update", "MAIN", "--option", "3=HANGUP")
    emptied = here("menus", "update", "MAIN", "--no-options")

    assert 0 == made.status
    assert typed == shown
    assert ["The call menu MAIN was updated: options."] == changed.lines == emptied.lines
    assert [] == here("menus", "show", "MAIN", "--json").json["options"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("phones", "show", "gs102"), "give EXTENSION SERVER_IP"),
        (("groups", "update", "SALES"), "give at least one field to change"),
        (("groups", "add", "SALES", "--set", "colour=red"), "'colour=red' is not FIELD=VALUE with one of"),
        (("menus", "add", "MAIN", "--name", "x", "--option", "1"), "'1' is not KEY=ROUTE"),
    ],
)
def test_what_is_typed_wrongly_is_said(here, arguments, said):
    """It is the command line that was not understood."""
    done = here(*arguments)

    assert 2 == done.status
    assert said in " ".join(done.err.replace("│", " ").split())


def test_bad_values_are_refused(here):
    """The refusal names the column."""
    done = here("groups", "add", "a b", "--name", "Sales")

    assert 1 == done.status
    assert "didier: group_id 'a b' is not allowed: 2 to 20 letters, digits, - and _\n" == done.err


def test_vicidials_are_only_read(fresh_database):
    """On a database of VICIdial's a change says who makes it."""
    url = fresh_database.url()
    added = run("groups", "add", "SALES", "--name", "Sales", "--database", url)
    listed = run("groups", "list", "--json", "--database", url)

    assert 1 == added.status
    assert "VICIdial's: its own pages create, change and delete in-groups" in added.err
    assert [] == listed.json
