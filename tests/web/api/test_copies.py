"""POST /copies: what is sent as JSON, CSV and plain text, previewed, made at once or taken in."""

import json
import threading
from typing import Any

import pytest
import sqlalchemy as sa

from didier.storage.tables import vicidial_tables
from support.server import Didier
from web.api.conftest import PREFIX, SOURCE, Api, Reply, did

LARGE = "5550000-5551499"
"""More numbers than are made while the caller waits."""

CSV = {"Content-Type": "text/csv"}
FORMAT = (415, "unsupported-media-type")
PLAIN = {"Content-Type": "text/plain; charset=utf-8"}


@pytest.fixture(scope="module", params=["InnoDB", "MyISAM"])
def elsewhere(request: pytest.FixtureRequest, mariadb, tmp_path_factory):
    """The API of a server on MariaDB, with and without transactions."""
    url = mariadb.database()
    engine = sa.create_engine(url)
    with engine.begin() as conn:
        conn.exec_driver_sql(f"SET SESSION default_storage_engine={request.param}")
        vicidial_tables().create_all(conn)
    engine.dispose()
    server = Didier(tmp_path_factory.mktemp("served"), "--demo", "--database", url).start()
    yield Api(server)
    server.stop()


def copy(api: Api, key: str | None = None, **body: Any) -> Reply:
    return api.post("/copies", {"source": SOURCE, **body}, key)


def send(api: Api, text: str | bytes, query: str = "", headers: dict[str, str] = PLAIN) -> Reply:
    content = text if isinstance(text, str) else text.decode("latin-1")
    return api.ask("POST", f"/copies?source={SOURCE}{query}", content, headers)


def made(reply: Reply) -> list[tuple[str, str]]:
    """Return targets and outcomes of a batch that was made."""
    assert 201 == reply.status, reply.text
    return [(item["target"], item["outcome"]) for item in reply.body["items"]]


def added(*targets: str) -> list[tuple[str, str]]:
    return [(target, "added") for target in targets]


def finished(api: Api, reply: Reply) -> dict[str, Any]:
    """Wait until a batch that was taken in is done with; return it."""
    assert 202 == reply.status, reply.text
    events = api.get(f"/batches/{reply.body['id']}/events").text
    last = events.strip().rpartition("\n\n")[2].splitlines()
    assert "event: end" == last[0]
    found: dict[str, Any] = json.loads(last[1].removeprefix("data: "))
    return found


def test_a_list_is_copied(api):
    """The answer is the batch with what became of each target; it stands where Location says."""
    reply = copy(api, targets=["5550100", "(800) 555-0101"], overrides={"did_active": "N", "extension": None})

    assert added("5550100", "8005550101") == made(reply)
    assert [1, 2] == [item["position"] for item in reply.body["items"]]
    assert f"{PREFIX}/batches/{reply.body['id']}" == reply.headers["location"]
    assert ("done", "atomic", 2, 2) == (
        reply.body["state"], reply.body["mode"], reply.body["totals"]["added"], reply.body["done"]
    )  # fmt: skip
    there = api.get(did("5550100")).body
    assert ("N", "", reply.body["items"][0]["did_id"]) == (
        there["did_active"],
        there["extension"],
        there["did_id"],
    )
    shown = api.get(reply.headers["location"].removeprefix(PREFIX)).body
    assert {k: v for k, v in reply.body.items() if k != "items"} == {
        k: v for k, v in shown.items() if k != "source_snapshot"
    }


@pytest.mark.parametrize(
    "body",
    [
        {"ranges": ["5550100-5550102"]},
        {"targets": ["5550100-02"]},
        {"targets": ["5550100"], "ranges": ["5550101-5550102"]},
        {"csv": "did_pattern\n5550100\n5550101-5550102\n"},
        {"targets": [{"target": "5550100-5550101"}, "5550102"]},
        {"targets": ["5550100\n5550101,5550102"]},
    ],
)
def test_ways_to_name_targets_in_json(api, body):
    """Lists, ranges, objects and CSV name the same targets in the same order."""
    assert added("5550100", "5550101", "5550102") == made(copy(api, **body))


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("5550100\r\n5550101\r\n5550102", PLAIN),
        ("5550100-5550102", PLAIN),
        ("555-0100, (555) 0101\t5550102", PLAIN),
        ("number\n5550100\n5550101-02\n", PLAIN),
        ("number;city\r\n5550100;\r\n5550101-02;\r\n", CSV),
        ("\ufefftarget\n5550100\n5550101\n5550102\n", CSV),
        ("did\tactive\n5550100\tN\n5550101-02\tN\n", {"Content-Type": "text/tab-separated-values"}),
    ],
)
def test_ways_to_name_targets_in_text(api, text, headers):
    """Plain text may have a header row, CSV must have one; what else is wanted stands in the query."""
    query = "&set=did_carrier_description=Carrier&description_template=Line%20%7Bcity%7D%20%7Btarget%7D"
    if "city" not in text:
        query = query.replace("%7Bcity%7D%20", "")

    assert added("5550100", "5550101", "5550102") == made(send(api, text.encode(), query, headers))
    there = api.get(did("5550101")).body
    assert ("Carrier", "Line 5550101") == (there["did_carrier_description"], there["did_description"])


def test_targets_have_values_of_their_own(api):
    """Columns beside a target are for it alone; null empties; the rest is the order's."""
    reply = copy(
        api,
        targets=[
            {"target": "5550100", "did_description": 'Line, "one" of two', "list_id": 700},
            {"target": "5550101", "extension": None, "did_active": "Y"},
            "5550102",
        ],
        overrides={"did_active": "N"},
        description_template="Sales {target}",
        allow_nowhere=True,
    )

    assert added("5550100", "5550101", "5550102") == made(reply)
    found = [api.get(did(target)).body for target in ("5550100", "5550101", "5550102")]
    assert [
        ('Line, "one" of two', 700, "8300", "N"),
        ("Sales 5550101", 999, "", "Y"),
        ("Sales 5550102", 999, "8300", "N"),
    ] == [(d["did_description"], d["list_id"], d["extension"], d["did_active"]) for d in found]


def test_not_all_possible(api):
    """All or nothing: the answer names each target that is in the way, and nothing is made."""
    copy(api, targets=["5550101"])
    reply = copy(api, targets=["5550100", "5550101", "x", "5550100"])

    assert (409, "not-all-possible") == reply.problem
    assert [(2, "5550101", "exists"), (3, "x", "invalid"), (4, "5550100", "duplicate")] == [
        (one["position"], one["target"], one["outcome"]) for one in reply.body["targets"]
    ]
    assert (3, "/targets") == (reply.body["count"], reply.body["pointer"])
    assert [SOURCE, "5550101"] == api.server.patterns()


def test_best_effort(api):
    """What can be made is made; the items say what was not, and why."""
    reply = copy(api, targets=["5550100", SOURCE, "x", "5550100"], mode="best_effort")

    assert [("5550100", "added"), (SOURCE, "exists"), ("x", "invalid"), ("5550100", "duplicate")] == made(
        reply
    )
    assert "2 to 50 characters" in reply.body["items"][2]["reason"]
    totals = {name: count for name, count in reply.body["totals"].items() if count}
    assert {"requested": 4, "added": 1, "exists": 1, "duplicate": 1, "invalid": 1} == totals


def test_a_large_order_goes_on(api):
    """It is taken in at once; when its events end it is there, every row of it."""
    reply = copy(api, ranges=[LARGE], description_template="Sales {target}")

    assert ("pending", "check", 0) == (reply.body["state"], reply.body["phase"], reply.body["done"])
    batch = finished(api, reply)
    assert ("done", None, 1500, 1500) == (
        batch["state"],
        batch["phase"],
        batch["done"],
        batch["totals"]["added"],
    )
    assert 1501 == len(api.server.patterns())
    assert "Sales 5551499" == api.get(did("5551499")).body["did_description"]


def test_a_large_order_that_cannot_be_made(api):
    """It fails as a whole, says why, and its items name what is in the way."""
    api.add("5550777")
    batch = finished(api, copy(api, ranges=[LARGE]))

    assert ("failed", 0, 1) == (batch["state"], batch["totals"]["added"], batch["totals"]["exists"])
    assert "5550777" in batch["failure"]
    assert [(778, "5550777", "exists")] == [
        (item["position"], item["target"], item["outcome"])
        for item in api.get(f"/batches/{batch['id']}/items").body["items"]
    ]
    assert [SOURCE, "5550777"] == api.server.patterns()


def test_a_large_text(api):
    """A text of many rows with values of their own is taken in and made as it says."""
    rows = "".join(f"{number},Line number {number}\n" for number in range(5_550_000, 5_551_500))
    batch = finished(api, send(api, f"target,description\n{rows}", "&mode=best_effort", CSV))

    assert ("done", "best_effort", 1500) == (batch["state"], batch["mode"], batch["totals"]["added"])
    assert "Line number 5551234" == api.get(did("5551234")).body["did_description"]


def test_a_preview_tells_of_each_target(api):
    """Nothing is made; each target has its status, what exists where it differs; totals are of all."""
    copy(api, targets=["5550101"], overrides={"did_active": "N"})
    api.add("8005550199")
    before = api.server.sql("SELECT * FROM vicidial_inbound_dids")
    reply = copy(api, targets=["5550100", "5550101", "18005550199", "x", "5550100"], dry_run=True)

    assert 200 == reply.status
    assert (True, False, 0) == (reply.body["dry_run"], reply.body["possible"], reply.body["omitted"])
    assert ["new", "exists", "similar", "invalid", "duplicate"] == [
        one["status"] for one in reply.body["items"]
    ]
    assert {"did_active": {"now": "N", "would_be": "Y"}} == reply.body["items"][1]["differs"]
    assert "8005550199" == reply.body["items"][2]["similar_to"]
    assert {
        "new": 1,
        "similar": 1,
        "exists": 1,
        "duplicate": 1,
        "invalid": 1,
        "implausible": 0,
        "nowhere": 0,
        "requested": 5,
    } == reply.body["totals"]
    assert before == api.server.sql("SELECT * FROM vicidial_inbound_dids")
    assert [(1,)] == api.server.sql("SELECT count(*) FROM didier_changes WHERE cause = 'copy'")


@pytest.mark.parametrize(
    ("mode", "targets", "possible"),
    [
        ("atomic", ["5550100"], True),
        ("atomic", ["5550100", SOURCE], False),
        ("best_effort", ["5550100", SOURCE], True),
        ("best_effort", [SOURCE], False),
    ],
)
def test_a_preview_says_whether_it_would_be_made(api, mode, targets, possible):
    """All or nothing needs all; best effort one."""
    assert possible is copy(api, targets=targets, mode=mode, dry_run=True).body["possible"]


def test_a_large_preview_shows_what_is_not_simply_new(api):
    """The first thousand that are no plain new numbers are shown; the rest is counted."""
    api.add("5550777")
    reply = copy(api, ranges=[LARGE], dry_run=True)

    assert [(778, "exists")] == [(one["position"], one["status"]) for one in reply.body["items"]]
    assert (1499, 1499) == (reply.body["totals"]["new"], reply.body["omitted"])


def test_a_preview_line_by_line(api):
    """As NDJSON every target is a line; the totals come last."""
    reply = api.ask(
        "POST",
        f"/copies?source={SOURCE}&dry_run=true",
        f"{LARGE}\nx",
        {**PLAIN, "Accept": "application/x-ndjson"},
    )

    *lines, last = [json.loads(line) for line in reply.text.splitlines()]
    assert "application/x-ndjson" == reply.headers["content-type"]
    assert [*range(1, 1502)] == [line["position"] for line in lines]
    assert ("new", "invalid") == (lines[0]["status"], lines[-1]["status"])
    assert {"dry_run": True, "possible": False} == {name: last[name] for name in ("dry_run", "possible")}
    assert (1500, 1501) == (last["totals"]["new"], last["totals"]["requested"])


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({}, 422, "/targets"),
        ({"targets": []}, 422, "/targets"),
        ({"targets": [""]}, 422, "/targets"),
        ({"targets": ["5550100"], "csv": "target\n5550100"}, 422, "/csv"),
        ({"csv": "colour\n5550100"}, 422, "/targets"),
        ({"csv": "target,colour\n5550100,red"}, 422, "/targets"),
        ({"csv": 'target,user\n"5550100"x,1'}, 422, "/targets"),
        ({"targets": [{"target": "5550100", "colour": "red"}]}, 422, "/colour"),
        ({"targets": [{"target": "5550100", "did_active": True}]}, 422, "/did_active"),
        ({"targets": [5550100]}, 422, "/targets/0/"),
        ({"targets": ["5550100"], "overrides": {"colour": "red"}}, 422, "/overrides/colour"),
        ({"targets": ["5550100"], "overrides": {"did_active": "maybe"}}, 422, "/overrides/did_active"),
        ({"targets": ["5550100"], "overrides": {"group_id": "NO_SUCH"}}, 422, "/overrides/group_id"),
        ({"targets": ["5550100"], "overrides": {"did_pattern": "5550100"}}, 422, "/overrides/did_pattern"),
        ({"targets": ["5550100"], "description_template": "{town}"}, 422, "/description_template"),
        ({"targets": ["5550100"], "description_template": "{"}, 422, "/description_template"),
        ({"targets": ["5550100"], "mode": "sometimes"}, 422, "/mode"),
        ({"targets": ["5550100"], "dry_run": "yes"}, 422, "/dry_run"),
        ({"targets": ["5550100"], "colour": "red"}, 422, "/colour"),
        ({"targets": ["5550100"], "source": "999"}, 404, "/source"),
        ({"targets": ["5550100"], "source": ""}, 422, "/source"),
        ({"ranges": ["1000000000-9999999999"]}, 422, "/targets"),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_orders_that_are_refused(api, body, status, pointer, dry_run):
    """What cannot be read or made as a whole is refused with its place, previewed or not; nothing is made."""
    reply = copy(api, **({"dry_run": dry_run} | body))

    assert status == reply.problem[0], reply.text
    assert reply.body["pointer"].startswith(pointer), reply.text
    assert [SOURCE] == api.server.patterns()


@pytest.mark.parametrize(
    ("text", "query", "headers", "problem", "said"),
    [
        ("colour\n5550100", "", CSV, (422, "unreadable-targets"), "no column of numbers is known"),
        ("target,colour\n5550100,red", "", CSV, (422, "unknown-columns"), "colour"),
        ("target,user\n5550100,1,2", "", CSV, (409, "not-all-possible"), "row 2"),
        (b"5550100\n\xff\n", "", PLAIN, (422, "unreadable-targets"), "not UTF-8"),
        ("", "", PLAIN, (422, "unreadable-targets"), "no target"),
        ("target\n", "", CSV, (422, "unreadable-targets"), "no target"),
        ("1000000000-9999999999", "", PLAIN, (422, "too-many-targets"), "1,000,000"),
        ("5550100", "&set=did_active", PLAIN, (422, "invalid-field"), "column=value"),
        ("5550100", "&set=colour=red", PLAIN, (422, "invalid-field"), "colour"),
        (
            "5550100",
            "",
            {"Content-Type": "application/xml"},
            FORMAT,
            "application/json or text/csv",
        ),
        ("5550100", "", {"Content-Type": ""}, FORMAT, "application/json or text/csv"),
    ],
)
def test_texts_that_are_refused(api, text, query, headers, problem, said):
    """What is wrong with a text or its type is said."""
    reply = api.server.exchange(
        "POST", f"{PREFIX}/copies?source={SOURCE}{query}", text, {"Authorization": api.sign_in, **headers}
    )
    refused = Reply(reply.status, reply.headers, reply.text)

    assert problem == refused.problem, reply.text
    assert said in refused.body["detail"]
    assert [SOURCE] == api.server.patterns()


def test_bodies_that_are_too_large(api):
    """JSON has a smaller limit than text; both are told as such."""
    large = "5550100\n" * 130_000

    assert (413, "too-large") == api.post("/copies", {"source": SOURCE, "csv": large}).problem
    assert 202 == send(api, large, "&mode=best_effort").status


def test_a_replay_of_a_made_batch(api):
    """The same key gives the same answer, and nothing is made twice; another body is refused."""
    first = copy(api, "key", targets=["5550100"])
    again = copy(api, "key", targets=["5550100"])
    other = copy(api, "key", targets=["5550101"])

    assert (201, first.text, "true") == (again.status, again.text, again.headers["idempotency-replayed"])
    assert first.headers["location"] == again.headers["location"]
    assert (422, "key-reused") == other.problem
    assert [(1,)] == api.server.sql("SELECT count(*) FROM didier_changes")


def test_a_replay_of_a_batch_that_goes_on(api):
    """The answer that took it in is repeated, also when it is done; text bodies are told apart too."""
    headers = {**PLAIN, "Idempotency-Key": "key"}
    first = send(api, LARGE, headers=headers)
    finished(api, first)
    again = send(api, LARGE, headers=headers)
    other = send(api, f"{LARGE},5559999", headers=headers)

    assert (202, first.text, "true") == (again.status, again.text, again.headers["idempotency-replayed"])
    assert (422, "key-reused") == other.problem
    assert [(1,)] == api.server.sql("SELECT count(*) FROM didier_batches")


def test_of_the_same_target_at_once_one_is_made(api):
    """Of orders that come together for one target exactly one gets it."""
    replies = []
    threads = [
        threading.Thread(target=lambda: replies.append(copy(api, targets=["5550100", "5550101"])))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [201] + [409] * 7 == sorted(reply.status for reply in replies)
    assert [SOURCE, "5550100", "5550101"] == api.server.patterns()


@pytest.mark.parametrize(
    ("setting", "value", "missing"),
    [
        ("modify_inbound_dids", "'0'", "Modify DIDs must be 1"),
        ("user_level", "7", "User Level must be 8 or higher"),
        ("vdc_agent_api_access", "'0'", "API Access must be 1"),
        ("api_allowed_functions", "' list_dids '", "Allowed API Functions"),
    ],
)
@pytest.mark.parametrize("kind", ["json", "text", "preview", "large"])
def test_a_missing_right_is_named(api, setting, value, missing, kind):
    """Whatever way it is sent, the refusal names the setting; nothing is made."""
    api.server.sql(f"UPDATE vicidial_users SET {setting} = {value} WHERE user = 'admin'")
    reply = {
        "json": lambda: copy(api, targets=["5550100"]),
        "text": lambda: send(api, "5550100"),
        "preview": lambda: copy(api, targets=["5550100"], dry_run=True),
        "large": lambda: copy(api, ranges=[LARGE]),
    }[kind]()

    assert 403 == reply.problem[0]
    assert any(missing in one for one in reply.body["missing"]), reply.text
    assert [SOURCE] == api.server.patterns()


def test_a_token_copies_within_its_reach(api):
    """Without its scope a token copies nothing; with a prefix only what begins with it, large or small."""
    reader, writer = api.token("dids:read"), api.token("dids:write", "dids:read", pattern_prefix="1800")

    assert 403 == copy(reader, targets=["18005550100"]).status
    assert added("18005550100") == made(copy(writer, targets=["18005550100"]))
    assert "invalid" == copy(writer, targets=["5550100"]).body["targets"][0]["outcome"]
    assert (404, "did-not-found") == copy(writer, targets=["18005550101"], source="5550100").problem
    batch = finished(api, copy(writer, ranges=[LARGE], mode="best_effort"))
    assert (0, 1500) == (batch["totals"]["added"], batch["totals"]["invalid"])


def test_the_log_has_no_secrets(api):
    """Each request leaves a row that says who wanted what; neither password nor token is in the database."""
    token = api.token("dids:write")
    copy(api, "key", targets=["5550100"])
    copy(token, targets=["5550101"])
    copy(api, targets=["5550100"])
    copy(api, targets=["5550102"], dry_run=True)
    send(token, "5550103")

    rows = api.server.sql("SELECT user, function, result, source, data FROM vicidial_api_log ORDER BY api_id")
    logged = [row for row in rows if row[1] == "copy_did"]
    assert {("admin", "json-api")} == {(row[0], row[3]) for row in logged}
    assert ["SUCCESS", "SUCCESS", "ERROR", "SUCCESS"] == [row[2] for row in logged][:4]
    assert all(SOURCE in row[4] for row in logged)
    everything = api.server.sql("SELECT * FROM vicidial_api_log") + api.server.sql(
        "SELECT * FROM didier_idempotency"
    )
    for secret in ("1234", token.sign_in.split()[1], api.sign_in.split()[1]):
        cleaned = str(everything).replace(SOURCE, "")
        assert secret not in cleaned


@pytest.mark.parametrize(("mode", "left"), [("atomic", []), ("best_effort", ["5550100", "5550101"])])
def test_what_is_stored_otherwise_is_told(api, mode, left):
    """A small batch is read back too: a difference is a failure, and one that is atomic is taken back."""
    api.server.sql(
        "CREATE TRIGGER tamper AFTER INSERT ON vicidial_inbound_dids WHEN NEW.did_pattern = '5550101'"
        " BEGIN UPDATE vicidial_inbound_dids SET did_active = 'N' WHERE did_id = NEW.did_id; END"
    )
    reply = copy(api, targets=["5550100", "5550101"], mode=mode)

    assert 500 == reply.problem[0]
    assert "2 DIDs were ordered, 2 exist, 1 have the ordered values" in reply.body["detail"]
    [batch] = api.get("/batches").body["items"]
    assert "event: end" in api.get(f"/batches/{batch['id']}/events").text
    batch = api.get(f"/batches/{batch['id']}").body
    assert "failed" == batch["state"]
    assert batch["failure"].startswith("verification failed")
    assert [SOURCE, *left] == api.server.patterns()


def test_copies_on_mariadb(elsewhere):
    """There too small and large orders are made, previewed and refused."""
    assert added("5540100", "5540101") == made(copy(elsewhere, targets=["5540100", "5540101"]))
    assert (409, "not-all-possible") == copy(elsewhere, targets=["5540101", "5540102"]).problem
    preview = copy(elsewhere, ranges=["5540100-5540109"], dry_run=True)
    assert (8, 2) == (preview.body["totals"]["new"], preview.body["totals"]["exists"])
    batch = finished(elsewhere, copy(elsewhere, ranges=[LARGE], overrides={"list_id": "007"}))
    assert ("done", 1500, None) == (batch["state"], batch["totals"]["added"], batch["failure"])
    assert 7 == elsewhere.get(did("5550100")).body["list_id"]
    undone = elsewhere.post(f"/batches/{batch['id']}/undo")
    assert ("undone", 1500) == (lambda b: (b["state"], b["totals"]["removed"]))(finished(elsewhere, undone))
    assert 404 == elsewhere.get(did("5550100")).status
