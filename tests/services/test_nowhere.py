"""Active DIDs whose calls lead nowhere: found by set, and made only on purpose."""

from dataclasses import replace

import pytest

from didier.cli.local import CALLER
from didier.domain.inputs import Row
from didier.errors import LeadsNowhere
from didier.services.batches import bulk_edits, copies, edits, previews
from didier.services.batches.bulk_edits import EditOrder
from didier.services.batches.checks import Checks
from didier.services.batches.copies import Copied, CopyOrder
from didier.services.batches.edit_orders import AddOrder, UpdateOrder
from didier.services.batches.edit_previews import EditPreview
from didier.services.batches.edit_spec import EditSpec
from didier.services.dids import lookup, nowhere
from didier.services.dids.lookup import Wanted
from didier.services.usage import dashboard
from didier.storage import row_sets
from didier.storage.database import reading
from didier.storage.dids import filters, totals
from didier.storage.dids.pages import Sort
from didier.storage.statements import run
from support.batches import SOURCE, accept, each, finish, order, text

LEADING = Checks(leading=True)
PHONE = {"did_route": "PHONE", "phone": "gs102", "server_ip": "192.0.2.10"}
DIDS = {
    # number: columns, and why calls lead nowhere
    "5550100": ({"did_route": "EXTEN", "extension": "8300"}, None),
    "5550101": ({"did_route": "EXTEN", "extension": ""}, "no extension is set"),
    "5550102": ({"did_route": "IN_GROUP", "group_id": "SALES"}, None),
    "5550103": ({"did_route": "IN_GROUP", "group_id": "sales"}, None),
    "5550104": ({"did_route": "IN_GROUP", "group_id": "NIGHT"}, "the in-group NIGHT is not active"),
    "5550105": ({"did_route": "IN_GROUP", "group_id": "GHOST"}, "the in-group GHOST does not exist"),
    "5550106": ({"did_route": "IN_GROUP", "group_id": "---NONE---"}, "no in-group is set"),
    "5550107": ({"did_route": "CALLMENU", "menu_id": "MAIN"}, None),
    "5550108": ({"did_route": "CALLMENU", "menu_id": "LOST"}, "the call menu LOST does not exist"),
    "5550109": (PHONE, None),
    "5550110": ({**PHONE, "server_ip": ""}, "the phone gs102 without a server does not exist"),
    "5550111": (
        {**PHONE, "phone": "gs103"},
        "the phone gs103 on the server 192.0.2.10 does not exist",
    ),
    "5550112": ({**PHONE, "server_ip": "192.0.2.99"}, "the server 192.0.2.99 does not exist"),
    "5550113": ({**PHONE, "phone": "gs104"}, "the phone gs104 on the server 192.0.2.10 is not active"),
    "5550114": ({"did_route": "VOICEMAIL", "voicemail_ext": "85026"}, None),
    "5550115": ({"did_route": "VMAIL_NO_INST", "voicemail_ext": ""}, "no voicemail box is set"),
    "5550116": (
        {"did_route": "VOICEMAIL", "voicemail_ext": "85026", "server_ip": "192.0.2.20"},
        "the server 192.0.2.20 is not active",
    ),
    "5550117": ({"did_route": "AGENT", "user": "admin"}, None),
    "5550118": (
        {"did_route": "AGENT", "user": "ghost", "user_unavailable_action": "IN_GROUP", "group_id": "SALES"},
        None,
    ),
    "5550119": (
        {"did_route": "AGENT", "user": "ghost", "user_unavailable_action": "IN_GROUP", "group_id": "NIGHT"},
        "the agent ghost does not exist, and for calls that no agent takes the in-group NIGHT is not active",
    ),
    "5550120": ({"did_route": "EXTEN", "extension": "", "did_active": "N"}, None),
}  # fmt: skip
DEAD = [pattern for pattern, (_, why) in DIDS.items() if why]
THINGS = {
    "vicidial_inbound_groups": [
        {"group_id": "SALES", "group_name": "Sales line", "active": "Y"},
        {"group_id": "NIGHT", "group_name": "Night shift", "active": "N"},
    ],
    "vicidial_call_menu": [{"menu_id": "MAIN", "menu_name": "Main menu"}],
    "phones": [
        {"extension": "gs102", "server_ip": "192.0.2.10", "dialplan_number": "8602", "active": "Y"},
        {"extension": "gs103", "server_ip": "192.0.2.20", "dialplan_number": "8603", "active": "Y"},
        {"extension": "gs104", "server_ip": "192.0.2.10", "dialplan_number": "8604", "active": "N"},
    ],
    "servers": [
        {"server_id": "one", "server_ip": "192.0.2.10", "active": "Y"},
        {"server_id": "two", "server_ip": "192.0.2.20", "active": "N"},
    ],
}  # fmt: skip


@pytest.fixture
def furnished(engine):
    """A database with some destinations of every kind, in use and not."""
    with engine.begin() as conn:
        for table, rows in THINGS.items():
            row_sets.insert_each(conn, table, rows)
    return engine


@pytest.fixture
def mixed(furnished, now):
    """A database with DIDs that lead to all kinds of places, and nowhere."""
    with furnished.begin() as conn:
        for pattern, (columns, _) in DIDS.items():
            edits.add(conn, [AddOrder(CALLER, pattern, {})], now)
            assigned = ", ".join(f"{column} = ?" for column in columns)
            sql = f"UPDATE vicidial_inbound_dids SET {assigned} WHERE did_pattern = ?"
            run(conn, sql, *columns.values(), pattern)
    return furnished


def found(engine, caller=CALLER, **wanted):
    with reading(engine) as conn:
        return [row["did_pattern"] for row in lookup.page(conn, caller, Wanted(**wanted), Sort(), 100).rows]


def test_the_reasons_of_many_dids(mixed):
    """Each says what its calls lack; compared as the database compares."""
    with reading(mixed) as conn:
        rows = lookup.page(conn, CALLER, Wanted(search="55501"), Sort(), 100).rows
        reasons = dict(zip((row["did_pattern"] for row in rows), nowhere.reasons(conn, rows), strict=True))

    assert {pattern: why for pattern, (_, why) in DIDS.items()} == reasons


def test_lists_of_those_that_lead_nowhere_and_of_all_others(mixed):
    """The condition of lists says the same as the reasons."""
    assert DEAD == found(mixed, leads_nowhere="Y")
    assert [SOURCE, *(one for one in DIDS if one not in DEAD)] == found(mixed, leads_nowhere="N")
    assert ["5550104", "5550105", "5550106"] == found(mixed, leads_nowhere="Y", route="IN_GROUP")
    assert ["5550101"] == found(mixed, leads_nowhere="Y", search="55501", route="EXTEN")


def test_their_number_is_counted_and_estimated(mixed):
    """Near each other, by parts, they are found by the same condition."""
    with reading(mixed) as conn:
        wanted = filters.Filter(leads_nowhere="Y")

        assert len(DEAD) == totals.exact(conn, wanted)
        assert (len(DEAD), True) == totals.estimated(conn, wanted)


def test_the_dashboard_counts_them_as_far_as_they_are_seen(mixed):
    """With the first and the reasons; somebody who sees other groups alone has none."""
    limited = replace(CALLER, user=replace(CALLER.user, group="SALES", viewable_groups=" SALES "))
    with mixed.begin() as conn:
        run(conn, "UPDATE vicidial_inbound_dids SET user_group = 'ADMIN' WHERE did_pattern <> '5550101'")
    with reading(mixed) as conn:
        [figure] = dashboard.dead_ends(conn, CALLER, 3)
        [seen] = dashboard.dead_ends(conn, limited, 3)

    assert (len(DEAD), DEAD[:3]) == (figure.count, [row["did_pattern"] for row in figure.first])
    assert [DIDS[pattern][1] for pattern in DEAD[:3]] == [row["nowhere"] for row in figure.first]
    assert (1, ["5550101"]) == (seen.count, [row["did_pattern"] for row in seen.first])


@pytest.fixture
def edit(furnished, now):
    """Carries out one order about a DID."""

    def carry_out(one):
        service = edits.add if isinstance(one, AddOrder) else edits.update
        with furnished.begin() as conn:
            [outcome] = service(conn, [one], now)
        return outcome

    return carry_out


BOXLESS = {"did_route": "VOICEMAIL", "voicemail_ext": ""}
REFUSED = LeadsNowhere("5550100", "no voicemail box is set")


def test_an_active_did_without_destination_is_refused(edit):
    """Unless that is allowed, or it is not active; without checks, as by VICIdial's API, it is made."""
    assert REFUSED == edit(AddOrder(CALLER, "5550100", BOXLESS, checks=LEADING))
    assert REFUSED == edit(AddOrder(CALLER, "5550100", BOXLESS, dry_run=True, checks=LEADING))
    assert edit(AddOrder(CALLER, "5550100", {**BOXLESS, "did_active": "N"}, checks=LEADING)).did_id
    assert edit(AddOrder(CALLER, "5550101", BOXLESS)).did_id


def test_vicidials_defaults_lead_somewhere(edit):
    """A DID without any values goes to the extension that VICIdial has for such."""
    assert edit(AddOrder(CALLER, "5550100", {}, checks=LEADING)).did_id


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"did_route": "VOICEMAIL"}, "no voicemail box is set"),
        ({"did_route": "IN_GROUP", "group_id": "NIGHT"}, "the in-group NIGHT is not active"),
        ({"extension": None}, "no extension is set"),
    ],
)
def test_a_change_that_leaves_a_did_without_destination_is_refused(edit, values, why):
    """The new values and those that stay are looked at together."""
    edit(AddOrder(CALLER, "5550100", {}))

    assert LeadsNowhere("5550100", why) == edit(UpdateOrder(CALLER, "5550100", values, checks=LEADING))
    assert edit(UpdateOrder(CALLER, "5550100", {**values, "did_active": "N"}, checks=LEADING)).did_id
    assert LeadsNowhere("5550100", why) == edit(
        UpdateOrder(CALLER, "5550100", {"did_active": "Y"}, checks=LEADING)
    )
    assert edit(UpdateOrder(CALLER, "5550100", {"did_active": "Y"})).did_id


def test_a_did_that_leads_nowhere_already_may_be_changed_otherwise(edit):
    """What says where calls go may even be said again; a change of that has to lead somewhere."""
    edit(AddOrder(CALLER, "5550100", BOXLESS))

    described = {"did_description": "Shop line", "did_active": "Y", **BOXLESS}
    assert edit(UpdateOrder(CALLER, "5550100", described, checks=LEADING)).did_id
    assert LeadsNowhere("5550100", "no call menu is set") == edit(
        UpdateOrder(CALLER, "5550100", {"did_route": "CALLMENU"}, checks=LEADING)
    )
    assert edit(UpdateOrder(CALLER, "5550100", {"voicemail_ext": "85026"}, checks=LEADING)).did_id


def copied(engine, now, *targets, checks=LEADING, **more):
    with engine.begin() as conn:
        [result] = copies.copy(conn, [CopyOrder(CALLER, SOURCE, targets, checks=checks, **more)], now)
    return result


def test_copies_that_would_lead_nowhere_are_refused(furnished, now):
    """Each of them with the reason, unless that is allowed; inactive ones are made."""
    nobody = {"did_route": "CALLMENU", "menu_id": ""}
    refused = copied(furnished, now, "5550100", "5550101", overrides=nobody)
    inactive = copied(furnished, now, "5550100", overrides={**nobody, "did_active": "N"})
    allowed = copied(furnished, now, "5550101", overrides=nobody, checks=Checks())

    why = "no call menu is set"
    assert (LeadsNowhere("5550100", why), LeadsNowhere("5550101", why)) == refused.items
    assert (1, 1) == (len(inactive.copied), len(allowed.copied))


def test_of_copies_with_values_of_their_own_each_is_looked_at(furnished, now):
    """One goes to an in-group that is in use, one to another."""
    own = {"5550100": "SALES", "5550101": "NIGHT"}
    rows = tuple(Row(target, {"did_route": "IN_GROUP", "group_id": group}) for target, group in own.items())
    result = copied(furnished, now, *own, rows=rows)

    assert [Copied, LeadsNowhere] == [type(item) for item in result.items]


def test_a_copy_that_is_allowed_is_noted(furnished, now):
    """Where numbers are looked at, what leads nowhere is said of the copy."""
    result = copied(
        furnished, now, "18005550100", overrides={"did_route": "CALLMENU", "menu_id": ""},
        checks=Checks(region="US"),
    )  # fmt: skip

    assert ["calls lead nowhere: no call menu is set"] == [item.note for item in result.copied]


@pytest.mark.parametrize("targets", ["5550100-5550102", "5550100-5550299"])
def test_a_preview_of_copies_counts_them(furnished, targets):
    """Small orders and blocks alike; what exists is counted as that."""
    wish = replace(order(targets, overrides={"extension": ""}), checks=LEADING)
    with reading(furnished) as conn:
        preview = previews.preview(conn, wish)
        seen = preview.step(conn)
        preview.close()

    assert {"nowhere": len(seen)} == {name: count for name, count in preview.totals.items() if count}
    assert "calls would lead nowhere: no extension is set" == seen[0].reason


def test_a_preview_of_edits_counts_them(furnished, add):
    """Those of an order that lead somewhere would be updated."""
    add(furnished, "5550100-5550101")
    rows = text("target,did_route,group_id\n5550100,IN_GROUP,SALES\n5550101,IN_GROUP,NIGHT\n")
    preview = EditPreview(CALLER, EditSpec("update", {}, ("did_route", "group_id"), checks=LEADING), rows)
    with reading(furnished) as conn:
        placed = preview.step(conn)
    preview.close()

    assert {"updated": 1, "nowhere": 1} == dict(preview.totals)
    assert "calls to 5550101 would lead nowhere: the in-group NIGHT is not active" == placed[1].item.reason


def test_an_import_leaves_out_what_leads_nowhere(furnished, now):
    """In best effort the others are created; its items say why."""
    rows = [Row("5550100", {"extension": "8300"}), Row("5550101", {"extension": ""})]
    spec = EditSpec("import", {"did_route": "EXTEN"}, ("extension",), checks=LEADING)
    with furnished.begin() as conn:
        [done] = bulk_edits.edit(conn, [EditOrder(CALLER, spec, rows, atomic=False)], now)

    assert ["added", "nowhere"] == [item.outcome for item in done.items]


def test_a_large_batch_keeps_to_its_checks(furnished, now):
    """They are stored with it, and count when it is carried out."""
    wish = replace(order("5550100-5551999", overrides={"extension": ""}, atomic=False), checks=LEADING)
    [batch] = finish(furnished, now, accept(furnished, wish, now))

    assert ("done", 0, 1900) == (batch.state, batch.added, batch.invalid)
    assert {"nowhere"} == {item.outcome for item in each(furnished, batch.batch_id)}
