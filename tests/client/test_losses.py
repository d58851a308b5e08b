"""Answers that are lost on the way, and a server that is killed, while the client is at work."""

import httpx2
import pytest

SOURCE = "18001234567"


class Losing(httpx2.HTTPTransport):
    """Sends POST and DELETE to the server, and loses the first answer to each; of all tokens to the first."""

    def __init__(self):
        super().__init__()
        self.lost = set()

    def handle_request(self, request):
        response = super().handle_request(request)
        if self.loses(request):
            response.read()
            raise httpx2.ReadError("reset", request=request)
        return response

    def loses(self, request):
        path = request.url.path
        name = (request.method, path, path.endswith("/tokens") or request.headers.get("idempotency-key"))
        first = request.method in {"POST", "DELETE"} and name not in self.lost
        self.lost.add(name)
        return first


class AsyncLosing(httpx2.AsyncHTTPTransport):
    """The same for those who await."""

    def __init__(self):
        super().__init__()
        self.losing = Losing()

    async def handle_async_request(self, request):
        response = await super().handle_async_request(request)
        if self.losing.loses(request):
            await response.aread()
            raise httpx2.ReadError("reset", request=request)
        return response


@pytest.fixture
def client(clients, server):
    transport = Losing() if clients.kind == "blocking" else AsyncLosing()
    return clients.connect(server.url, "admin", "1234", transport=transport)


def test_what_was_lost_is_done_once(client, server):
    """Every order whose answer was lost is repeated, and the server does none of them twice."""
    batch = client.copy(SOURCE, to=["18002220000", "18002220001"])
    large = client.copy(SOURCE, to=(str(18_003_000_000 + number) for number in range(2_000))).wait()
    client.add("18002225555")
    client.delete("18002225555")
    client.import_dids("did_pattern\n18002226666\n")
    client.add_user("crm", "correct-horse-battery", user_group="ADMIN")
    token = client.add_token("crm", ["dids:read"])
    undone = batch.undo()

    assert (2, 2_000, 2) == (batch.totals.added, large.totals.added, undone.totals.removed)
    assert ["copy", "copy", "add", "delete", "import"] == [
        batch.kind for batch in reversed(list(client.batches()))
    ]
    assert 2_000 + 2 == len(server.patterns())
    assert [token.token_id] == [one.token_id for one in client.tokens() if one.revoked_at is None]


def test_waiting_goes_on_after_a_restart(clients, own_server):
    """The server is killed as soon as the batch has begun; the batch is made, and its end is told."""
    client = clients.connect(own_server.url, "admin", "1234", waits=True)
    told = []

    def killed(batch):
        told.append(batch.state)
        if len(told) == 2:
            own_server.kill()
            own_server.start()

    batch = client.copy(SOURCE, to="18100000000-18100099999").wait(killed)

    assert ("done", 100_000) == (batch.state, batch.totals.added)
    assert "done" == told[-1]
    assert 100_001 == len(own_server.patterns())
