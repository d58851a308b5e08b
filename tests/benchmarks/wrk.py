"""wrk, the client that asks as fast as it is answered."""

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Load:
    """What came of some seconds of requests: replies per second, their number, 99 % of latencies in ms."""

    rate: float
    replies: int
    p99: float


def wrk(port: int, connections: int, seconds: float, prefix: str) -> Load:
    """Have *connections* copy the tutorial's DID to numbers that begin with 9 and *prefix*.

    Every reply must be a success.
    """
    result = subprocess.run(
        [
            "wrk", "-t1", f"-c{connections}", f"-d{max(seconds, 1):.0f}s", "--latency", "--timeout", "30s",
            "-s", str(Path(__file__).with_name("copy.lua")), f"http://127.0.0.1:{port}", "--", prefix,
        ],
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    told = result.stdout
    assert "0" == _found(r"not copied: (\d+)", told)[0], told + result.stderr
    p99, unit = _found(r"99%\s+([\d.]+)(us|ms|s)", told)
    return Load(
        float(_found(r"Requests/sec: +([\d.]+)", told)[0]),
        int(_found(r"(\d+) requests in", told)[0]),
        float(p99) * _MILLISECONDS[unit],
    )


def _found(pattern: str, text: str) -> tuple[str, ...]:
    found = re.search(pattern, text)
    assert found, text
    return found.groups()


def together(ports: list[int], connections: int, seconds: float, prefix: str) -> list[Load]:
    """Spread *connections* over the servers behind *ports*, all at once."""
    each = connections // len(ports)
    with ThreadPoolExecutor(len(ports)) as pool:
        asked = [
            pool.submit(wrk, port, each, seconds, f"{prefix}{place}") for place, port in enumerate(ports)
        ]
        return [one.result() for one in asked]
