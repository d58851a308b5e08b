"""SIP over UDP for tests: a caller and a gateway in this process, for single calls, and SIPp's for many."""

import itertools
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from support import missing
from support.process import SECONDS

HOST = "127.0.0.1"
_KEPT = {"Via", "Record-Route", "From", "Call-ID", "CSeq"}
"""What responses have of their requests."""
_ids = itertools.count(1)


@dataclass(frozen=True)
class Message:
    """A request or a response; *first* is its first line."""

    first: str
    headers: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, data: bytes) -> "Message":
        """Return what is in a datagram."""
        first, *lines = data.decode().partition("\r\n\r\n")[0].split("\r\n")
        pairs = (line.partition(":") for line in lines)
        return cls(first, tuple((name.strip(), value.strip()) for name, _, value in pairs))

    @property
    def status(self) -> int:
        """The status of a response; 0: it is a request."""
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0") else 0

    @property
    def method(self) -> str:
        """The method of a request, or of that which is answered."""
        return self.header("CSeq").split()[1]

    @property
    def uri(self) -> str:
        """Where a request goes."""
        return self.first.split()[1]

    def header(self, name: str) -> str:
        """Return the first header *name*, "" without one."""
        return next(iter(self.all(name)), "")

    def all(self, name: str) -> list[str]:
        """Return the headers *name*."""
        return [value for one, value in self.headers if one.lower() == name.lower()]


def _text(first: str, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in headers), "Content-Length: 0", "", ""]
    return "\r\n".join(lines).encode()


class Socket:
    """A port of this machine that SIP is spoken from."""

    def __init__(self, host: str = HOST) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.settimeout(SECONDS)
        self.port: int = self._socket.getsockname()[1]
        self.uri = f"sip:{HOST}:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Be there no more: what is sent here is lost."""
        self._socket.close()


@dataclass
class Call:
    """A call of a `Caller`, as far as it has come."""

    call_id: str
    to: str
    from_: str
    uri: str
    routes: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    answer: Message | None = None

    @property
    def status(self) -> int:
        """The last status that came."""
        return self.statuses[-1]


class Caller(Socket):
    """Calls numbers at *port*, one at a time."""

    def __init__(self, port: int, host: str = HOST) -> None:
        super().__init__(host)
        self.edge = port
        self.hops = 70

    def send(self, method: str, call: Call, sequence: int, branch: str) -> None:
        """Send a request."""
        via = f"SIP/2.0/UDP {HOST}:{self.port};branch=z9hG4bK{branch};rport"
        headers = [
            ("Via", via), ("Max-Forwards", str(self.hops)), *(("Route", one) for one in call.routes),
            ("From", call.from_), ("To", call.to), ("Call-ID", call.call_id),
            ("CSeq", f"{sequence} {method}"), ("Contact", f"<{self.uri}>"),
        ]  # fmt: skip
        self._socket.sendto(_text(f"{method} {call.uri} SIP/2.0", headers), (HOST, self.edge))

    def receive(self) -> Message:
        """Return what comes next."""
        return Message.of(self._socket.recv(65_535))

    def received(self) -> list[Message]:
        """Return what has come until now."""
        messages = []
        self._socket.settimeout(0)
        with suppress(BlockingIOError):
            while True:
                messages.append(self.receive())
        return messages

    def new(self, number: str, caller: str = "44700") -> Call:
        """Return a call to *number* that has not begun."""
        tag = next(_ids)
        uri = f"sip:{number}@{HOST}:{self.edge}"
        return Call(
            f"{os.getpid()}-{self.port}-{tag}@{HOST}", f"<{uri}>", f"<sip:{caller}@{HOST}>;tag={tag}", uri
        )

    def invite(self, number: str, caller: str = "44700", enough: Callable[[int], bool] | None = None) -> Call:
        """Call *number*; return the call when it has its last status, or one that is *enough*."""
        call = self.new(number, caller)
        self.send("INVITE", call, 1, f"{call.call_id}-1")
        return self.follow(call, enough)

    def follow(self, call: Call, enough: Callable[[int], bool] | None = None) -> Call:
        """Read responses to the INVITE of *call*, and acknowledge the last one."""
        while True:
            message = self.receive()
            if message.status and message.header("Call-ID") == call.call_id and message.method == "INVITE":
                call.statuses.append(message.status)
                if message.status >= 200:
                    self._acknowledge(call, message)
                if message.status >= 200 or (enough and enough(message.status)):
                    return call

    def _acknowledge(self, call: Call, message: Message) -> None:
        call.to, call.answer = message.header("To"), message
        if message.status < 300:
            call.routes = message.all("Record-Route")[::-1]
            call.uri = message.header("Contact").strip("<>")
            self.send("ACK", call, 1, f"{call.call_id}-ack")
        else:
            self.send("ACK", call, 1, f"{call.call_id}-1")

    def request(self, method: str, call: Call, sequence: int = 2) -> int:
        """Send a request within *call*, or any other; return its last status."""
        self.send(method, call, sequence, f"{call.call_id}-{method}-{sequence}")
        while True:
            message = self.receive()
            same = message.header("Call-ID") == call.call_id and message.method == method
            if message.status >= 200 and same:
                return message.status

    def answer(self, request: Message) -> None:
        """Answer *request* with 200."""
        kept = [(name, value) for name, value in request.headers if name in _KEPT]
        self._socket.sendto(_text("SIP/2.0 200 OK", [*kept, ("To", request.header("To"))]), (HOST, self.edge))

    def respond(self, second: str) -> None:
        """Send a response to no request, with *second* as its second Via."""
        vias = [("Via", f"SIP/2.0/{via};branch=z9hG4bKstray") for via in (f"UDP {HOST}:{self.edge}", second)]
        parties = [("From", "<sip:a@b>;tag=1"), ("To", "<sip:a@b>;tag=2")]
        rest = [("Call-ID", "stray"), ("CSeq", "1 INVITE")]
        self._socket.sendto(_text("SIP/2.0 200 OK", [*vias, *parties, *rest]), (HOST, self.edge))

    def cancel(self, call: Call) -> Call:
        """Cancel *call*; return it with its last status."""
        self.send("CANCEL", call, 1, f"{call.call_id}-1")
        return self.follow(call)

    def status(self, number: str) -> int:
        """Call *number*, and hang up if it answers; return the last status."""
        call = self.invite(number)
        if call.status < 300:
            assert self.request("BYE", call) == 200
        return call.status


class Gateway(Socket):
    """Answers calls with *status*, remembers what it was asked, and says nothing while it is not *alive*."""

    def __init__(self, status: int = 200) -> None:
        super().__init__()
        self.status = status
        self.alive = True
        self.requests: list[Message] = []
        self._waiting: dict[str, Message] = {}
        threading.Thread(target=self._serve, daemon=True).start()

    def asked(self, method: str) -> list[Message]:
        """Return the requests *method* that have come, without those that came again."""
        seen = {(one.header("Call-ID"), one.header("CSeq")): one for one in self.requests}
        return [one for one in seen.values() if one.method == method]

    def hang_up(self, invite: Message, edge: int) -> None:
        """Send a BYE for the call that began with *invite*; the answer will be among the requests."""
        via = f"SIP/2.0/UDP {HOST}:{self.port};branch=z9hG4bKbye{next(_ids)};rport"
        headers = [
            ("Via", via), ("Max-Forwards", "70"), *(("Route", route) for route in invite.all("Record-Route")),
            ("From", f"{invite.header('To')};tag=gateway{self.port}"), ("To", invite.header("From")),
            ("Call-ID", invite.header("Call-ID")), ("CSeq", "9 BYE"),
        ]  # fmt: skip
        target = invite.header("Contact").strip("<>")
        self._socket.sendto(_text(f"BYE {target} SIP/2.0", headers), (HOST, edge))

    def _serve(self) -> None:
        while True:
            try:
                data, sender = self._socket.recvfrom(65_535)
            except TimeoutError:
                continue
            except OSError:
                return  # closed
            for answer in self._answers(Message.of(data)):
                self._socket.sendto(answer, sender)

    def _answers(self, message: Message) -> list[bytes]:
        self.requests.append(message)
        if not self.alive or message.status or message.method == "ACK":
            return []
        if message.method == "CANCEL":
            waiting = self._waiting.pop(message.header("Call-ID"))
            return [self._answer(message, 200), self._answer(waiting, 487)]
        if message.method != "INVITE" or ";tag=" in message.header("To"):
            return [self._answer(message, 200)]
        self._waiting[message.header("Call-ID")] = message
        return [self._answer(message, self.status)]

    def _answer(self, message: Message, status: int) -> bytes:
        kept = [(name, value) for name, value in message.headers if name in _KEPT]
        to = message.header("To")
        tagged = to if ";tag=" in to or status == 100 else f"{to};tag=gateway{self.port}"
        return _text(f"SIP/2.0 {status} Answer", [*kept, ("To", tagged), ("Contact", f"<{self.uri}>")])


_SCENARIOS = Path(__file__).with_name("sipp")


def free_port() -> int:
    """Return a port of UDP that is free."""
    with Socket() as probe:
        return probe.port


class Sipp:
    """SIPp at *port*, which speaks as the *scenario* says; its files are in *directory*."""

    def __init__(self, scenario: str, directory: Path, port: int, *arguments: str) -> None:
        program = missing.program("sipp", "sip-tester")
        directory.mkdir(exist_ok=True)
        self.log = directory / "messages.log"
        self._statistics = directory / "statistics.csv"
        command = [
            program, *arguments, "-sf", str(_SCENARIOS / f"{scenario}.xml"), "-i", HOST, "-p", str(port),
            "-mp", str(free_port()), "-cp", str(free_port()), "-nostdin", "-skip_rlimit",
            "-trace_logs", "-log_file", str(self.log),
            "-trace_stat", "-stf", str(self._statistics), "-fd", "1",
        ]  # fmt: skip
        with directory.joinpath("output").open("wb") as output:
            self._process = subprocess.Popen(
                command, cwd=directory, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    def calls(self) -> int:
        """Return how many calls a gateway has logged."""
        return len(self.log.read_text().splitlines()) if self.log.exists() else 0

    def finished(self) -> tuple[int, int]:
        """Wait for the end; return how many calls succeeded and failed."""
        self._process.wait(SECONDS)
        heads, *_, last = self._statistics.read_text().splitlines()
        row = dict(zip(heads.split(";"), last.split(";"), strict=True))
        return int(row["SuccessfulCall(C)"]), int(row["FailedCall(C)"])


def sipp_gateway(directory: Path, port: int) -> Sipp:
    """Return a gateway that takes calls."""
    return Sipp("uas", directory, port)


def sipp_calls(directory: Path, edge: int, numbers: Sequence[str], count: int, rate: int) -> Sipp:
    """Return what makes *count* calls to *numbers* in turn, *rate* each second."""
    directory.mkdir(exist_ok=True)
    table = directory / "numbers.csv"
    table.write_text("\n".join(["SEQUENTIAL", *numbers, ""]))
    target = f"{HOST}:{edge}"
    return Sipp("uac", directory, free_port(), target, "-inf", str(table), "-m", str(count), "-r", str(rate),
                "-timeout", f"{SECONDS}s", "-timeout_error")  # fmt: skip
