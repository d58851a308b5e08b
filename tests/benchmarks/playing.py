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

SPREADING = 7_368_787
"""A prime: its multiples go all over the numbers that are there."""


async def play(port: int, number: int, turn: int) -> float:
    """Play one call; return its milliseconds, from the connection to the end."""
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    fields = {
        "agi_network": "yes", "agi_network_script": "did-route", "agi_request": "agi://127.0.0.1/did-route",
        "agi_channel": f"SIP/trunk1-{turn:08x}", "agi_type": "SIP", "agi_uniqueid": f"{int(began)}.{turn}",
        "agi_callerid": "7275551212", "agi_calleridname": "unknown", "agi_extension": str(number),
        "agi_context": "trunkinbound",
    }  # fmt: skip
    writer.write("".join(f"{name}: {value}\n" for name, value in fields.items()).encode() + b"\n")
    is_sent_on = False
    while command := await reader.readline():
        is_sent_on = command.startswith(b"SET PRIORITY")
        writer.write(b"200 result=0\n")
    writer.close()
    if not is_sent_on:
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
    asyncio.run(main(int(port), int(calls), float(seconds), int(first), int(step), int(count)))
