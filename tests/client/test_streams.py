import errno
import io
import json

import httpx2
import pytest

from didier.client import errors
from didier.client.errors import ConnectionFailed, TimedOut
from didier.client.exporting import Count
from didier.client.models import BatchState

URL = "https://didier.example.com"
EVENTS = {"content-type": "text/event-stream"}
CSV = b'did_id,did_description\r\n1,"two\nlines, and a ""quote"""\r\n2,x\r\n'


class Pieces(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """An answer that comes in pieces; an exception among them breaks the connection."""

    def __init__(self, *pieces):
        self.pieces = pieces
        self.closed = False

    def __iter__(self):
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def __aiter__(self):
        for piece in self:
            yield piece

    def close(self):
        self.closed = True

    async def aclose(self):
        self.closed = True


def batch(state, done=0):
    return {
        "id": 3, "kind": "copy", "mode": "atomic", "state": state, "done": done,
        "totals": {"requested": 9},
    }  # fmt: skip


def event(kind, *arguments):
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), json.dumps(batch(*arguments)).encode())


def refused(kind, status):
    headers = {"content-type": "application/problem+json"}
    return httpx2.Response(status, headers=headers, content=json.dumps({"type": f"/problems/{kind}"}))


@pytest.fixture
def talk(clients):
    """Return a function that makes a client for the answers that it is given, and its list of paths."""

    def connected(*given, **options):
        paths, waiting = [], list(given)

        def answer(request):
            paths.append(request.url.path.removeprefix("/api/v1"))
            one = waiting.pop(0)
            if isinstance(one, Exception):
                raise one
            return one if isinstance(one, httpx2.Response) else httpx2.Response(200, json=one)

        return clients.connect(URL, "admin", "1234", transport=httpx2.MockTransport(answer), **options), paths

    return connected


def events(*pieces):
    return httpx2.Response(200, headers=EVENTS, stream=Pieces(*pieces))


def test_a_batch_is_watched_to_its_end(talk):
    """Each state is told once, also the first; events that come in two pieces are put together."""
    whole = event("progress", "running", 5)
    client, paths = talk(
        batch("pending"), events(b": still there\n\n", whole[:20], whole[20:], whole, event("end", "done", 9))
    )
    told = []
    ended = client.batch(3).wait(lambda now: told.append((now.state, now.done)))

    assert ("done", 9) == (ended.state, ended.done)
    assert [("pending", 0), ("running", 5), ("done", 9)] == told
    assert ["/batches/3", "/batches/3/events"] == paths


def test_a_batch_that_has_ended_is_not_asked_for(talk):
    """It is told as it is."""
    client, paths = talk(batch("failed"))
    told = []
    client.batch(3).wait(told.append)

    assert ["failed"] == [now.state for now in told]
    assert 1 == len(paths)


def test_a_connection_that_breaks_is_made_again(talk, clients):
    """Whether the server ends it, or the network does; what was told is not told again."""
    client, paths = talk(
        batch("pending"),
        events(event("progress", "running", 2)),
        events(event("progress", "running", 2), httpx2.ReadError("reset")),
        httpx2.ConnectError("refused"),
        httpx2.Response(502, text="Bad gateway"),
        events(event("progress", "running", 4), httpx2.ReadTimeout("silent")),
        events(event("end", "done", 9)),
    )
    told = []
    client.batch(3).wait(lambda now: told.append(now.done))

    assert [0, 2, 4, 9] == told
    assert 7 == len(paths)
    assert 6 == len(clients.pauses)


def test_a_server_that_stays_away_is_an_error(talk):
    """Not at once: it may be restarted."""
    away = [httpx2.ConnectError("refused")] * 1_000
    client, paths = talk(batch("pending"), *away)

    with pytest.raises(ConnectionFailed):
        client.batch(3).wait()
    assert 20 < len(paths) < 100


@pytest.mark.parametrize(
    "answer",
    [
        refused("no-such-address", 404),
        refused("method-not-allowed", 405),
        httpx2.Response(200, text="<h1>Welcome</h1>"),
        httpx2.Response(404, text="Not found"),
    ],
    ids=["old", "older", "proxy", "strict"],
)
def test_without_events_is_asked_now_and_then(talk, clients, answer):
    """As behind a proxy that lets no events through."""
    kept = httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)
    client, paths = talk(batch("pending"), kept, batch("running", 3), batch("running", 6), batch("done", 9))
    told = []
    client.batch(3).wait(lambda now: told.append(now.done))

    assert [0, 3, 6, 9] == told
    assert ["/batches/3/events", *["/batches/3"] * 3] == paths[1:]
    assert [1.0, 1.0] == [pause for pause in clients.pauses if pause]


def test_a_batch_that_is_gone_is_an_error(talk):
    """It is not asked for again."""
    client, paths = talk(batch("pending"), refused("batch-not-found", 404))

    with pytest.raises(errors.BatchNotFound):
        client.batch(3).wait()
    assert 2 == len(paths)


def test_waiting_has_an_end(talk):
    """The error says how far the batch was; the batch goes on."""
    clock = iter(range(100))
    client, _ = talk(
        batch("pending"), httpx2.Response(404), *[batch("running", 1_200)] * 20, clock=lambda: next(clock)
    )

    with pytest.raises(TimedOut, match=r"batch 3 is still running after 5 seconds: 1,200 of 9"):
        client.batch(3).wait(timeout=5)


def test_what_progress_raises_comes_through(talk):
    """A mistake of the program is not taken for one of the network."""
    client, _ = talk(batch("pending"))

    with pytest.raises(ZeroDivisionError):
        client.batch(3).wait(lambda now: 1 / now.done)


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_dids_of_an_export_are_counted(size):
    """Line ends within cells are none of the table, wherever the pieces end."""
    count = Count("csv")
    for start in range(0, len(CSV), size):
        count.add(CSV[start : start + size])

    assert 2 == count.dids


def test_an_export_is_written_whole(talk, tmp_path):
    """Into a file by its path, or an open one; the filters go along."""
    answers = [httpx2.Response(200, stream=Pieces(CSV[:30], CSV[30:])) for _ in range(3)]
    client, _ = talk(*answers)
    path, file = tmp_path / "dids.csv", io.BytesIO()

    assert (2, 2) == (client.export(path, search="1800", active=True).dids, client.export(file).dids)
    assert (CSV, CSV) == (path.read_bytes(), file.getvalue())
    assert CSV == b"".join(client.export())
    assert ["dids.csv"] == [one.name for one in tmp_path.iterdir()]


def test_an_export_that_breaks_off_leaves_the_old_file(talk, tmp_path):
    """Nobody takes a part for the whole."""
    path = tmp_path / "dids.csv"
    path.write_text("yesterday's")
    broken = httpx2.RemoteProtocolError("peer closed connection")
    client, paths = talk(httpx2.Response(200, stream=Pieces(CSV[:30], broken)))

    with pytest.raises(ConnectionFailed, match="peer closed"):
        client.export(path)
    assert "yesterday's" == path.read_text()
    assert ["dids.csv"] == [one.name for one in tmp_path.iterdir()]
    assert 1 == len(paths)


def test_an_export_that_is_left_closes_its_connection(talk):
    """Whoever has seen enough can go."""
    stream = Pieces(*[CSV] * 100)
    client, _ = talk(httpx2.Response(200, stream=stream))
    pieces = client.export()
    next(pieces)
    pieces.close()

    assert stream.closed


class Full(io.RawIOBase):
    """A file on a disk that is full."""

    def write(self, piece):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_an_export_that_cannot_be_written_closes_its_connection(talk):
    """At once, and not when the memory of it is cleared away."""
    stream = Pieces(*[CSV] * 100)
    client, _ = talk(httpx2.Response(200, stream=stream))

    with pytest.raises(OSError, match="No space left"):
        client.export(Full())
    assert stream.closed


def test_formats_that_do_not_exist_are_refused(talk):
    """And filters that do not."""
    client, paths = talk()

    with pytest.raises(ValueError, match="xlsx"):
        client.export(format="xlsx")
    with pytest.raises(TypeError, match="colour"):
        client.export(colour="red")
    assert [] == paths


def test_a_long_preview_comes_as_it_is_read(talk):
    """What the first answer shows is not asked for again; all of it is."""
    first = {"position": 1, "target": "1801", "status": "exists", "differs": {"a": {"now": 1, "would_be": 2}}}
    summary = {"possible": False, "totals": {"requested": 2_000, "new": 1_999, "exists": 1}}
    lines = [{"position": 2, "target": "1802", "status": "new"}, first, summary]
    text = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    streams = [httpx2.Response(200, stream=Pieces(*pieces)) for pieces in ([text[:50], text[50:]], [text])]
    client, paths = talk({**summary, "items": [first], "omitted": 1_999}, *streams)
    preview = client.preview("1800", to="1801-3800")

    assert (False, 1_999, 1_999) == (preview.possible, preview.totals.new, preview.omitted)
    assert 2 == preview.shown[0].differs["a"].would_be
    assert 1 == len(paths)
    assert ["1802", "1801"] == [one.target for one in preview.items()]
    assert ["1802"] == [one.target for one in preview.items("new")]


def test_a_long_preview_that_is_left_closes_its_connection(talk):
    """Whoever has seen enough can go."""
    line = json.dumps({"position": 1, "target": "1801", "status": "new"}).encode()
    stream = Pieces(*[line + b"\n"] * 100)
    summary = {"possible": True, "totals": {}, "items": [], "omitted": 100}
    client, _ = talk(summary, httpx2.Response(200, stream=stream))
    items = client.preview("1800", to="1801-1900").items()
    next(items)
    items.close()

    assert stream.closed


@pytest.mark.parametrize("told", [None, []], ids=["asked", "told"])
def test_outcomes_that_are_none_are_refused_at_once(talk, told):
    """The mistake shows where it is made, and not where the items are first looked at."""
    client, paths = talk({**batch("done"), "items": told}, {"possible": True, "totals": {}, "items": []})

    with pytest.raises(TypeError):
        client.batch(3).items(outcome=1)
    with pytest.raises(TypeError):
        client.preview("1800", to="1801").items(status=1)
    assert ["/batches/3", "/copies"] == paths


def test_states_compare_without_their_client():
    """Two values that say the same are the same, and can stand in a set."""
    assert {BatchState.read(batch("done"))} == {BatchState.read(batch("done"))}
