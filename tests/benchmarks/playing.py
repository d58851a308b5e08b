"""Plays Asterisk in a process of its own: so many calls at once ask where they go, for some seconds.

    python playing.py PORT CALLS SECONDS FIRST STEP COUNT

Calls go to one of *COUNT* numbers from *FIRST* on, *STEP* apart. Printed are, as JSON, how many were sent on
a second, and the milliseconds that each took.
"""

import asyncio
import itertools
import json
import sys
import time

import uvloop

SPREADING = 7_368_787
"""A prime: its multiples go all over the numbers that are there."""


class Channel(asyncio.Protocol):
    """Says *words*, and 200 to every command; *ended* gets the last of these.

    A protocol: what plays shares the machine with what is measured, and streams take three times as much.
    """

    def __init__(self, words: bytes, ended: asyncio.Future[bytes]) -> None:
        self._words = words
        self._ended = ended
        self._last = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin."""
        self._transport = transport
        transport.write(self._words)

    def data_received(self, data: bytes) -> None:
        """Answer a command."""
        self._last = data
        self._transport.write(b"200 result=0\n")

    def connection_lost(self, _: Exception | None) -> None:
        """Say that the call has come to its end."""
        self._ended.set_result(self._last)


async def play(port: int, number: int, turn: int) -> float:
    """Play one call; return its milliseconds, from the connection to the end."""
    began = time.perf_counter()
    fields = {
        "agi_network": "yes", "agi_network_script": "did-route", "agi_request": "agi://127.0.0.1/did-route",
        "agi_channel": f"SIP/trunk1-{turn:08x}", "agi_type": "SIP", "agi_uniqueid": f"{int(began)}.{turn}",
        "agi_callerid": "7275551212", "agi_calleridname": "unknown", "agi_extension": str(number),
        "agi_context": "trunkinbound",
    }  # fmt: skip
    words = "".join(f"{name}: {value}\n" for name, value in fields.items()).encode() + b"\n"
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    await loop.create_connection(lambda: Channel(words, ended), "127.0.0.1", port)
    if not (await ended).startswith(b"SET PRIORITY"):
        raise AssertionError(f"{number} was not sent on")
    return (time.perf_counter() - began) * 1000


async def main(port: int, calls: int, seconds: float, first: int, step: int, count: int) -> None:
    """Play *calls* at once until the time is over."""
    took: list[float] = []
    turns = itertools.count(1)
    until = time.perf_counter() + seconds

    async def line() -> None:
        while time.perf_counter() < until:
            turn = next(turns)
            took.append(await play(port, first + turn * SPREADING % count * step, turn))

    began = time.perf_counter()
    await asyncio.gather(*(line() for _ in range(calls)))
    print(json.dumps({"rate": len(took) / (time.perf_counter() - began), "took": took}))


if __name__ == "__main__":
    port, calls, seconds, first, step, count = sys.argv[1:]
    uvloop.run(main(int(port), int(calls), float(seconds), int(first), int(step), int(count)))
