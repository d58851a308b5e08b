"""Calls that ask where they go, one behind the other, at a steady rate, whatever becomes of those before."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rung:
    """A call that *came* so many seconds behind the first and *took* so many milliseconds."""

    uniqueid: str
    came: float
    took: float
    is_sent_on: bool


async def ring(port: int, number: str, uniqueid: str) -> bool:
    """Have a call to *number* find its way; say whether it was sent on."""
    fields = {
        "agi_network_script": "did-route", "agi_channel": "SIP/trunk1-1", "agi_type": "SIP",
        "agi_uniqueid": uniqueid, "agi_callerid": "7275551212", "agi_extension": number,
    }  # fmt: skip
    is_sent_on = False
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write("".join(f"{name}: {value}\n" for name, value in fields.items()).encode() + b"\n")
        while command := await reader.readline():
            is_sent_on = is_sent_on or command.startswith(b"SET PRIORITY")
            writer.write(b"200 result=0\n")
        writer.close()
    except OSError:
        return False
    return is_sent_on


@dataclass
class Ringing:
    """Calls to *numbers*, in turn, *rate* a second, counted from *first* on.

    *began* is when the first of them came.
    """

    port: int
    numbers: Sequence[str]
    rate: float
    first: int = 0
    began: float = 0.0
    calls: list[Rung] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    @property
    def sent_on(self) -> set[str]:
        """The calls that were sent on, by their ids."""
        return {call.uniqueid for call in self.calls if call.is_sent_on}

    def more(self, count: int) -> Callable[[], bool]:
        """Return what says whether *count* more calls have come to their end than by now."""
        wanted = len(self.calls) + count
        return lambda: len(self.calls) >= wanted

    def run(self) -> None:
        """Ring until it is to end."""
        asyncio.run(self._run())

    async def _run(self) -> None:
        self.began = began = time.perf_counter()
        turn = self.first
        under_way: set[asyncio.Task[None]] = set()

        async def one(turn: int) -> None:
            came = time.perf_counter()
            uniqueid = f"{turn}.7"
            is_sent_on = await ring(self.port, self.numbers[turn % len(self.numbers)], uniqueid)
            took = (time.perf_counter() - came) * 1000
            self.calls.append(Rung(uniqueid, came - began, took, is_sent_on))

        while not self._ended.is_set():
            turn += 1
            task = asyncio.ensure_future(one(turn))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            await asyncio.sleep(max(0.0, began + (turn - self.first) / self.rate - time.perf_counter()))
        await asyncio.gather(*under_way)

    def end(self) -> None:
        """Let no more calls come."""
        self._ended.set()


@contextmanager
def ringing(port: int, numbers: Sequence[str], rate: float, first: int = 0) -> Iterator[Ringing]:
    """Ring while this lasts; behind it every call has come to its end."""
    calls = Ringing(port, numbers, rate, first)
    thread = threading.Thread(target=calls.run)
    thread.start()
    yield calls
    calls.end()
    thread.join()
