"""The pages beside the API: start, health, metrics, Postman collection."""

import json
import re
import stat

import pytest

from support.server import PATH, Didier, didier

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"


@pytest.fixture
def plain(tmp_path):
    """A server on a database for real use, without --demo."""
    made = didier(tmp_path, "init", "--database", f"sqlite:///{tmp_path}/didier.db")
    assert 0 == made.returncode, made.stderr
    server = Didier(tmp_path, "--database", f"sqlite:///{tmp_path}/didier.db").start()
    yield server
    server.stop()


def variables(collection):
    return {variable["key"]: variable["value"] for variable in collection["variable"]}


def metric(server, name):
    """Return the value of the metric *name*, labels included; 0 if it is not there yet."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", server.get("/metrics")[1], re.M)
    return float(found[1]) if found else 0.0


def counter(server, function, result):
    """Return how many lines with *result* were answered to calls of *function*."""
    return metric(server, f'didier_api_lines_total{{function="{function}",result="{result}"}}')


@pytest.mark.parametrize(("path", "text"), [("/healthz", "ok\n"), ("/readyz", "ready\n")])
def test_health_pages(server, path, text):
    """A server that works says so in plain text."""
    answer = server.exchange("GET", path)

    assert (200, text) == (answer.status, answer.text)
    assert answer.headers["content-type"].startswith("text/plain")


def test_an_unknown_page_is_not_found(server):
    """An address that is nothing is 404."""
    assert 404 == server.get("/nothing")[0]


def test_the_start_page_shows_the_tutorials_request(server):
    """The start page has the whole address of the tutorial's request, which copies when it is opened."""
    answer = server.exchange("GET", "/")

    [address] = re.findall(r'<a href="(http[^"]*)"', answer.text)
    assert (200, "text/html; charset=utf-8") == (answer.status, answer.headers["content-type"])
    assert address.startswith(f"{server.url}{PATH}?")
    path = address.removeprefix(server.url).replace("&amp;", "&")
    assert "SUCCESS: 18001234567 -> 18002223333 | DID Copied Successfully\n" == server.get(path)[1]


def test_the_start_page_runs_no_script(server):
    """The start page forbids scripts, frames and sniffing, and names the collection."""
    answer = server.exchange("GET", "/")

    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert 'href="/postman_collection.json"' in answer.text


@pytest.mark.parametrize("host", ['"><script>alert(1)</script>', "a b", "x'onmouseover='y", "[", "a:b:c"])
def test_a_hostile_host_is_not_markup(server, host):
    """What a client sends as Host does not become markup on the start page, and does not break it."""
    status, text = server.request("GET", "/", None, {"Host": host})

    assert status < 500
    assert "<script" not in text
    assert "'onmouseover=" not in text


def test_the_demo_shows_its_password_and_warns(server):
    """The start page of a demonstration has the tutorial's password and says that it is public."""
    _, text = server.get("/")

    assert "pass=1234" in text
    assert "This is a demonstration" in text


def test_a_server_for_real_use_shows_no_password(plain):
    """Without --demo, start page and collection have places to fill in instead of a password."""
    _, start = plain.get("/")
    collection = json.loads(plain.get("/postman_collection.json")[1])

    assert "pass=PASSWORD" in start
    assert "pass=1234" not in start
    assert "" == variables(collection)["pass"]


def test_the_postman_collection_is_valid(server):
    """The collection names its format, this server, and a request with a test for each situation."""
    answer = server.exchange("GET", "/postman_collection.json")

    collection = json.loads(answer.text)
    assert "application/json" == answer.headers["content-type"].partition(";")[0]
    assert SCHEMA == collection["info"]["schema"]
    expected = {"baseUrl": server.url, "user": "admin", "pass": "1234"}
    assert expected == {key: variables(collection)[key] for key in expected}
    assert len(collection["item"]) >= 5
    assert {"test"} == {event["listen"] for item in collection["item"] for event in item["event"]}


def test_the_postman_collection_holds_no_password_in_its_requests(server):
    """Requests refer to the variable for their password, so that a server request gives nothing away."""
    collection = json.loads(server.get("/postman_collection.json")[1])

    assert "pass=1234" not in json.dumps(collection["item"])


def test_metrics_count_answers(server):
    """Each answer line is counted under its function and result."""
    before = [counter(server, "copy_did", result) for result in ("SUCCESS", "ERROR")]

    server.tutorial(target="18002220001,18002220002,18002220001")
    server.tutorial(**{"pass": "wrong"})

    after = [counter(server, "copy_did", result) for result in ("SUCCESS", "ERROR")]
    assert [2, 2] == [now - then for then, now in zip(before, after, strict=True)]


def test_metrics_count_commits(server):
    """Transactions and the orders in them are counted, and nothing waits when all is answered."""
    names = ("didier_commit_seconds_count", "didier_commit_orders_count", "didier_commit_orders_sum")
    before = [metric(server, name) for name in names]

    for _ in range(3):
        server.call(function="version")  # it needs no sign-in: one order, one transaction

    assert [3, 3, 3] == [metric(server, name) - then for name, then in zip(names, before, strict=True)]
    assert "\ndidier_waiting_orders 0.0\n" in server.get("/metrics")[1]


def test_metrics_have_no_names_from_outside(server):
    """Names of functions that do not exist are counted together: nobody can fill the memory with them."""
    before = counter(server, "other", "ERROR")

    for i in range(3):
        server.vicidial(f"made_up_{i}")

    assert 3 == counter(server, "other", "ERROR") - before
    assert "made_up" not in server.get("/metrics")[1]


def test_the_database_file_is_private(server):
    """Database, log of changes and the locks of jobs are for their owner, also while the server runs."""
    server.tutorial()

    files = [file for file in server.directory.iterdir() if file.name.startswith("didier.db")]
    assert {"didier.db", "didier.db-wal", "didier.db-shm"} <= {file.name for file in files}
    assert {0o600} == {stat.S_IMODE(file.stat().st_mode) for file in files}


def test_metrics_show_the_leases(server):
    """Without a large batch to work on the process has none."""
    assert 'didier_lease_held{lease="batches"} 0.0' in server.get("/metrics")[1].splitlines()
