"""How an agent speaks to its Kamailio: over HTTP on the same machine, as ``kamailio.cfg`` listens."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, NamedTuple, Self

import httpx2

from didier.edge.digest import Digest
from didier.edge.pushes import Push
from didier.edge.status import Status
from didier.edge.tables import CURSOR
from didier.errors import DidierError

SECONDS = 10.0
RELOAD_SECONDS = 120.0
"""A million numbers take some seconds to load."""

DIGEST_SECONDS = 60.0
LINES_MOST = 1_000
"""Most lines of a request: 60 KB, as ``kamailio.cfg`` takes them."""

HTABLE = "did"


class KamailioAway(DidierError):
    """Kamailio does not answer, or not as it should."""


class ReloadUnderWay(KamailioAway):
    """Kamailio is still busy with the reload before: it does one in five seconds."""


class Held(NamedTuple):
    """What Kamailio has in its memory: the last push that it was told, and the digest of all numbers."""

    cursor: int
    digest: Digest


class Control:
    """Kamailio's control at an address, with the secret that it asks for; *status* counts what it is told."""

    def __init__(self, address: str, secret: str, status: Status) -> None:
        self._status = status
        headers = {"Authorization": f"Bearer {secret}"}
        self._client = httpx2.Client(base_url=address, headers=headers, timeout=SECONDS, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def cursor(self) -> int:
        """Return the last push that it was told."""
        return _number(self._ask("GET", "/cursor"))

    def held(self) -> Held:
        """Return what it has."""
        count, total, cursor = map(_number, self._ask("GET", "/digest", seconds=DIGEST_SECONDS).split())
        return Held(cursor, Digest(count, total))

    def push(self, pushes: Iterable[Push]) -> None:
        """Tell it numbers, and then the last of these pushes."""
        told = list(pushes)
        lines = [f"{push.number}={push.value or ''}\n" for push in told]
        self._ask("POST", "/numbers", "".join([*lines, f"{CURSOR}={told[-1].id}\n"]))
        self._status.count(pushes=len(told))

    def reload_numbers(self) -> None:
        """Have it load the table of numbers anew; what is pushed meanwhile is lost."""
        self._call("htable.reload", HTABLE)
        self._status.count(reloads=1)

    def reload_gateways(self) -> None:
        """Have it load the table of gateways anew; raises `ReloadUnderWay`."""
        self._call("dispatcher.reload")
        self._status.count(gateway_reloads=1)

    def _call(self, method: str, *parameters: Any) -> None:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)}
        try:
            answer = self._client.post("/RPC", json=body, timeout=RELOAD_SECONDS)
        except httpx2.HTTPError as error:
            raise KamailioAway("Kamailio does not answer") from error
        if "ongoing reload" in answer.text.lower():
            raise ReloadUnderWay(f"{method}: the one before is under way")
        if not answer.is_success or '"error"' in answer.text:
            raise KamailioAway(f"{method}: Kamailio answers {answer.status_code} {answer.text[:100]}")

    def _ask(self, method: str, path: str, content: str = "", seconds: float = SECONDS) -> str:
        try:
            answer = self._client.request(method, path, content=content.encode(), timeout=seconds)
        except httpx2.HTTPError as error:
            raise KamailioAway("Kamailio does not answer") from error
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            raise KamailioAway("Kamailio has another secret than --secret-file")
        if not answer.is_success:
            raise KamailioAway(f"{method} {path}: Kamailio answers {answer.status_code}")
        return answer.text


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise KamailioAway(f"Kamailio answers {text[:100]!r} where a number belongs") from None
