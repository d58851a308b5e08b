"""A client with one connection, which asks for one thing after the other."""

import base64
import http.client
import json
import time
from urllib.parse import urlencode

from databases import FIRST, SOURCE

from support.server import PATH, TUTORIAL

LOGIN = {"Authorization": "Basic " + base64.b64encode(b"admin:1234").decode()}
NON_AGENT = {"user": "admin", "pass": "1234", "source": "bench"}


class Client:
    """One connection to a server."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)

    def send(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Send a request to the JSON API; return status and body."""
        content = None if body is None else json.dumps(body)
        headers = {**LOGIN, "Content-Type": "application/json"}
        self._connection.request(method, f"/api/v1{path}", content, headers)
        response = self._connection.getresponse()
        return response.status, response.read()

    def take(self, path: str, **query: str) -> bytes:
        """Get something of the JSON API."""
        status, answer = self.send("GET", f"{path}?{urlencode(query)}" if query else path)
        assert status == 200, answer
        return answer

    def call(self, **parameters: str) -> bytes:
        """Call the Non-Agent API."""
        self._connection.request("GET", f"{PATH}?{urlencode({**NON_AGENT, **parameters})}")
        return self._connection.getresponse().read()

    def copy(self, target: str) -> float:
        """Copy the tutorial's DID by the Non-Agent API; return the seconds it took."""
        began = time.perf_counter()
        answer = self.call(**{**TUTORIAL, "new_did_pattern": target})
        took = time.perf_counter() - began
        assert answer.startswith(b"SUCCESS"), answer
        return took


def order(client: Client, count: int, first: int = FIRST) -> tuple[int, float]:
    """Order the copy of *count* numbers; return the batch's id and the seconds until it was taken in."""
    began = time.perf_counter()
    body = {"source": SOURCE, "ranges": [f"{first}-{first + count - 1}"]}
    status, answer = client.send("POST", "/copies", body)
    taken_in = time.perf_counter() - began
    assert status == 202, answer
    return json.loads(answer)["id"], taken_in


def wait(client: Client, batch_id: int, state: str = "done") -> None:
    """Watch a batch until it ends."""
    _, events = client.send("GET", f"/batches/{batch_id}/events")
    last = json.loads(events.rsplit(b"data: ", 1)[1])
    assert last["state"] == state, last
