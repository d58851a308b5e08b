"""`didier kamailio`: calls go where the server says, whatever is stopped, killed and restarted."""

import itertools
import os
import random
from contextlib import closing
from datetime import datetime, timedelta

import httpx2
import pytest

import didier
from didier.edge import tables
from support.edge import arrived, values
from support.measurements import note
from support.process import SECONDS, until
from support.sip import Gateway

SOURCE = "18001234567"

ANOTHER_DATABASE = "UPDATE progress SET value = 999999999 WHERE name = 'sequence'"
"""Makes an agent's file follow changes that the server does not have."""

KILLS = int(os.environ.get("EDGE_KILLS", "5"))
"""How often the agent is killed."""

_NUMBERS = itertools.count(5_550_000_000)


def new():
    """Return a number that no test has used."""
    return str(next(_NUMBERS))


def copied(edge, **values):
    """Copy a DID; return its number."""
    number = new()
    edge.client.copy(SOURCE, [number], set=values)
    return number


def reaches(edge, number, status=200):
    """Wait until a call to a number has this status."""
    until(lambda: edge.status(number) == status)


def test_calls_follow_a_did(edge):
    """Copied, sent elsewhere, deactivated, deleted, and all that undone."""
    number = new()
    reaches(edge, SOURCE)
    before = edge.status(number)
    edge.client.copy(SOURCE, [number])
    reaches(edge, number)
    first = number in arrived(edge.london), number in arrived(edge.paris)
    edge.client.update(number, gateway_set="paris")
    until(lambda: (edge.status(number), number in arrived(edge.paris)) == (200, True))
    edge.client.update(number, did_active="N")
    reaches(edge, number, 480)
    edge.client.update(number, did_active="Y")
    reaches(edge, number)
    edge.client.delete(number)
    reaches(edge, number, 404)

    assert (404, (True, False)) == (before, first)


def test_a_batch_and_its_undo(edge):
    """All numbers of it, and then none."""
    numbers = [new() for _ in range(50)]
    batch = edge.client.copy(SOURCE, numbers)
    reaches(edge, numbers[-1])
    there = [edge.status(number) for number in numbers]
    edge.client.undo(batch.id)
    reaches(edge, numbers[-1], 404)

    assert [200] * 50 == there
    assert [404] * 50 == [edge.status(number) for number in numbers]


def test_gateways_change(edge):
    """A set gets another gateway, a rule sends numbers elsewhere, and a set goes."""
    with Gateway() as madrid, Gateway() as other:
        edge.client.set_gateway_set("madrid", values(madrid))
        number = copied(edge, gateway_set="madrid")
        until(lambda: edge.status(number) == 200 and number in arrived(madrid))
        edge.client.set_gateway_set("madrid", values(other))
        until(lambda: edge.status(number) == 200 and number in arrived(other))
    edge.client.update(number, gateway_set="")
    edge.client.delete_gateway_set("madrid")
    edge.london.requests.clear()
    until(lambda: edge.status(number) == 200 and number in arrived(edge.london))


def test_a_gateway_that_is_gone_is_passed_over(edge):
    """The next one of the set has the calls."""
    with Gateway() as first, Gateway() as second:
        pair = values(first, second)
        pair["gateways"][0]["priority"] = 9
        edge.client.set_gateway_set("pair", pair)
        number = copied(edge, gateway_set="pair")
        until(lambda: edge.status(number) == 200 and number in arrived(first))
        first.close()
        failed = edge.status(number)

        assert (200, True) == (failed, number in arrived(second))
    edge.client.update(number, gateway_set="")


def test_calls_go_on_without_the_server(edge):
    """It is stopped or killed; what changes when it is back comes through."""
    there = copied(edge)
    reaches(edge, there)
    for end in (edge.server.stop, edge.server.kill):
        end()
        meanwhile = edge.status(there)
        edge.server.start()
        behind = copied(edge)
        reaches(edge, behind)

        assert 200 == meanwhile


def test_kamailio_starts_without_the_server(edge):
    """From the file that the agent keeps."""
    numbers = [copied(edge) for _ in range(3)]
    reaches(edge, numbers[2])
    edge.client.update(numbers[0], did_active="N")
    edge.client.delete(numbers[1])
    reaches(edge, numbers[1], 404)
    edge.server.stop()
    edge.kamailio.kill()
    edge.kamailio.start()
    cold = [edge.status(number) for number in numbers]
    edge.server.start()
    behind = copied(edge)
    reaches(edge, behind)

    assert [480, 404, 200] == cold


def test_what_happens_while_kamailio_is_away_is_there_when_it_starts(edge):
    """The agent keeps on learning."""
    edge.kamailio.kill()
    number = copied(edge)
    until(lambda: tables.key(number) in told(edge))
    edge.kamailio.start()
    first = edge.status(number)
    edge.client.update(number, did_active="N")
    reaches(edge, number, 480)

    assert 200 == first


def test_the_agent_is_killed_at_any_moment(edge):
    """What it was about is done by the next one."""
    chance = random.Random(3)
    numbers = []
    for _ in range(KILLS):
        number = copied(edge)
        moment = chance.choice(["at once", "as it is stored", "as it is told"])
        if moment == "as it is stored":
            until(lambda number=number: number in told(edge))
        elif moment == "as it is told":
            reaches(edge, number)
        numbers.append(number)
        edge.kill()
        edge.follow()
    last = copied(edge)
    reaches(edge, last)

    statuses = [edge.status(number) for number in numbers]
    note("SIGKILL of `didier kamailio` at any moment", KILLS, KILLS, KILLS - statuses.count(200))
    assert [200] * KILLS == statuses
    assert edge.is_told


def test_numbers_that_kamailio_loses_come_back(edge):
    """They are compared now and then, also those that nothing is told of."""
    lost, changed = copied(edge), copied(edge)
    reaches(edge, changed)
    edge.kamailio.rpc("htable.delete", "did", lost)
    edge.kamailio.rpc("htable.seti", "did", changed, 0)
    edge.kamailio.rpc("htable.seti", "did", "5559999999", 1)
    reaches(edge, lost)
    reaches(edge, changed)
    reaches(edge, "5559999999", 404)

    assert "Kamailio has other numbers" in edge.said


def test_an_export_is_taken_where_changes_are_gone(edge):
    """As when the server's database is another one."""
    number = copied(edge)
    reaches(edge, number)
    edge.kill()
    with closing(tables.connect(edge.kamailio.installation.database)) as connection:
        connection.execute(ANOTHER_DATABASE)
        connection.execute("DELETE FROM dids WHERE did_pattern = ?", (number,))
        connection.execute("UPDATE numbers SET key_value = '0' WHERE key_name = ?", (number,))
    edge.client.update(number, gateway_set="paris")
    edge.follow()
    edge.paris.requests.clear()
    until(lambda: edge.status(number) == 200 and number in arrived(edge.paris))

    assert edge.is_told


def test_an_export_without_dids_is_not_taken(edge):
    """Where there were some the server is rather the wrong one; the next agent takes what is there again."""
    number = copied(edge)
    reaches(edge, number)
    edge.kill()
    with closing(tables.connect(edge.kamailio.installation.database)) as connection:
        connection.execute(ANOTHER_DATABASE)
    batch = edge.client.order("delete", [one.pattern for one in edge.client.dids()], force=True).wait()
    edge.follow()
    ended = edge.agent.wait(SECONDS), edge.last_said, edge.status(number)
    edge.client.undo(batch.id).wait()
    edge.follow()
    behind = copied(edge)
    reaches(edge, behind)

    refusal = "didier: --server: it shows no DIDs, where there were some; is it the right one?"
    assert (2, refusal, 200) == ended
    assert 200 == edge.status(number)


@pytest.mark.parametrize("is_replaced", [False, True])
def test_an_agent_ends_without_its_file(edge, is_replaced):
    """What it writes would be lost; the next one takes an export into what is there, or a new file."""
    number = copied(edge)
    reaches(edge, number)
    file = edge.kamailio.installation.database
    for one in (file, *file.parent.glob(f"{file.name}-*")):
        one.unlink()
    if is_replaced:
        tables.connect(file).close()
    meanwhile = copied(edge)
    ended = edge.agent.wait(SECONDS), edge.last_said, edge.status(number)
    edge.follow()
    reaches(edge, copied(edge))
    until(lambda: edge.is_told)

    assert [200, 200] == [edge.status(number), edge.status(meanwhile)]
    assert (2, f"didier: --database: {file} is another file than at the start, or gone", 200) == ended


def test_calls_are_reported(edge):
    """Each once, also those that the edge has refused, and those from when the server was away."""
    number, unknown = copied(edge), new()
    reaches(edge, number)
    edge.server.stop()
    for dialled in (number, unknown):
        edge.status(dialled)
    edge.server.start()

    def reported(dialled):
        today = datetime.now().astimezone().date()
        days = (today - timedelta(days=1), today, today + timedelta(days=1))
        return [call for day in days for call in edge.client.calls(dialled, day)]

    until(lambda: len(reported(number)) == edge.called.count(number))
    until(lambda: reported(unknown))

    assert [edge.called.count(number), 1] == [len(reported(number)), len(reported(unknown))]


def test_figures_are_there(edge):
    """For Prometheus, on the machine of the edge; nothing else is."""
    address = f"http://127.0.0.1:{edge.kamailio.installation.calls_port}"
    reaches(edge, copied(edge))
    up = "# TYPE didier_edge_kamailio_up gauge\ndidier_edge_kamailio_up 1\n"
    until(lambda: up in httpx2.get(f"{address}/metrics").text)
    found = httpx2.get(f"{address}/metrics")
    other = httpx2.get(f"{address}/calls")

    assert (200, 404) == (found.status_code, other.status_code)
    assert "didier_edge_snapshots_total " in found.text


def test_the_server_knows_its_edges(edge):
    """How far they are, and whether they reach Kamailio."""
    number = copied(edge)
    reaches(edge, number)

    def edges():
        return {one.name: one for one in edge.client.edges()}

    def is_known():
        one = edges().get("edge1")
        return one and one.kamailio == "connected" and one.is_connected  # it has said so a moment ago

    until(is_known)
    one = edges()["edge1"]

    assert didier.__version__ == one.version
    assert one.numbers > 0


def told(edge):
    """Return the numbers in the file."""
    with closing(tables.connect(edge.kamailio.installation.database)) as connection:
        return {key for (key,) in connection.execute("SELECT key_name FROM numbers")}


def test_a_block_of_ten_thousand(edge):
    """Is told in some seconds, and is the same on both sides."""
    first = 5_560_000_000
    batch = edge.client.copy(SOURCE, f"{first}-{first + 9_999}")
    batch.wait()
    reaches(edge, str(first + 9_999))
    until(lambda: edge.is_told)

    assert [200, 200, 404] == [edge.status(str(first + place)) for place in (0, 5_000, 10_000)]
