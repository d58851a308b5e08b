"""A server, a Kamailio and the agent between them, as `didier kamailio` runs it, and its callers."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from didier.client import Didier as Client
from didier.edge.pushes import Pushes
from support.forking import Forked
from support.kamailio import Kamailio
from support.server import Didier
from support.sip import Caller, Gateway

SCOPES = ("dids:read", "calls:write")
USER = {
    "user_group": "ADMIN", "user_level": 8, "vdc_agent_api_access": True, "view_reports": True,
    "api_allowed_functions": ["list_dids", "report_calls"],
}  # fmt: skip
"""What an edge needs, and no more."""


@dataclass
class Edge:
    """A server, a Kamailio and the agent between them; calls go to `london` unless a DID says otherwise."""

    directory: Path
    server: Didier
    client: Client
    kamailio: Kamailio
    london: Gateway
    paris: Gateway
    caller: Caller
    compare_minutes: float
    agent: Forked | None = field(default=None, init=False)
    called: list[str] = field(default_factory=list, init=False)

    @property
    def said(self) -> str:
        """What agents have said."""
        return self.directory.joinpath("agent.err").read_text()

    @property
    def last_said(self) -> str:
        """The last line of that."""
        return self.said.splitlines()[-1]

    def follow(self) -> None:
        """Start the agent."""
        one = self.kamailio.installation
        arguments = [
            "kamailio", "--server", self.server.url, "--token-file", str(self.directory / "token"),
            "--database", str(one.database), "--rpc", f"http://127.0.0.1:{one.control_port}/RPC",
            "--secret-file", str(one.secret_file), "--calls-port", str(one.calls_port), "--name", "edge1",
            "--compare-minutes", str(self.compare_minutes),
        ]  # fmt: skip
        with self.directory.joinpath("agent.err").open("ab") as err, open(os.devnull) as nothing:
            self.agent = Forked(
                arguments, self.directory, os.environ, [nothing.fileno(), err.fileno(), err.fileno()]
            )

    def kill(self) -> None:
        """End the agent as a power failure would."""
        if self.agent:
            self.agent.kill()
            self.agent.wait()

    @property
    def is_told(self) -> bool:
        """Whether Kamailio has what is in the agent's file."""
        with Pushes(self.kamailio.installation.database) as pushes:
            cursor, wanted = pushes.digest()
        return self.kamailio.http.get("/digest").text == f"{wanted.numbers} {wanted.total} {cursor}\n"

    def status(self, number: str) -> int:
        """Call a number; return the last status. It is in `called` then."""
        self.called.append(number)
        return self.caller.status(number)


@contextmanager
def running(
    directory: Path, url: str, *, compare_minutes: float = 0.02, **environment: str
) -> Iterator[Edge]:
    """Start all of it, with the server on a database."""
    with ExitStack() as opened:
        kamailio = Kamailio(directory).start()
        opened.callback(kamailio.stop)
        server = Didier(directory, "--demo", "--database", url, environment=environment).start()
        opened.callback(server.kill)
        client = opened.enter_context(Client(server.url, "admin", "1234"))
        london, paris = opened.enter_context(Gateway()), opened.enter_context(Gateway())
        client.set_gateway_set("london", values(london, default=True))
        client.set_gateway_set("paris", values(paris))
        client.add_user("edge", "Edge-1234", **USER)
        token = client.add_token("edge", SCOPES, user="edge")
        directory.joinpath("token").write_text(token.secret)
        caller = opened.enter_context(Caller(kamailio.port))
        one = Edge(directory, server, client, kamailio, london, paris, caller, compare_minutes)
        opened.callback(one.kill)
        one.follow()
        yield one


def values(*gateways: Gateway, default: bool = False) -> dict[str, Any]:
    """Return what a gateway set is stored with; by *default* DIDs have it."""
    rules = [{"default": True}] if default else []
    return {"gateways": [{"address": one.uri} for one in gateways], "probing": True, "rules": rules}


def arrived(gateway: Gateway) -> list[str]:
    """Return the numbers whose calls have come to a gateway."""
    return [one.uri.partition("@")[0].removeprefix("sip:") for one in gateway.asked("INVITE")]
