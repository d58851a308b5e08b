"""How an agent stands: counted by its threads, told to the server and to Prometheus."""

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace

PREFIX = "didier_edge"


def _counter(meaning: str) -> int:
    """Return a number that only grows."""
    number: int = field(default=0, metadata={"help": meaning, "type": "counter"})
    return number


def _gauge(meaning: str) -> int:
    """Return a number that goes up and down."""
    number: int = field(default=0, metadata={"help": meaning, "type": "gauge"})
    return number


@dataclass(frozen=True, slots=True)
class Figures:
    """What is counted."""

    sequence: int = _gauge("The last change that is stored on the edge.")
    numbers: int = _gauge("Numbers that the edge knows.")
    server_up: int = _gauge("Whether the server answers.")
    kamailio_up: int = _gauge("Whether Kamailio answers.")
    pushes_waiting: int = _gauge("Changed numbers that Kamailio has not been told.")
    calls_waiting: int = _gauge("Calls that are not reported yet.")
    snapshots: int = _counter("Exports that were taken.")
    events: int = _counter("Events that were done.")
    pushes: int = _counter("Changed numbers that Kamailio was told.")
    reloads: int = _counter("Times that Kamailio loaded all numbers anew.")
    differences: int = _counter("Digests of Kamailio's numbers that were not those of the file.")
    gateway_reloads: int = _counter("Times that Kamailio loaded all gateways anew.")
    calls_received: int = _counter("Calls that Kamailio has handed over.")
    calls_reported: int = _counter("Calls that the server has taken.")
    calls_dropped: int = _counter("Calls that nobody could read, or that the server refused.")


class Status:
    """Figures and words of all threads of an agent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._figures = Figures()
        self._trouble: dict[str, str] = {}

    @property
    def figures(self) -> Figures:
        """All figures, as they are now."""
        with self._lock:
            return self._figures

    @property
    def trouble(self) -> str:
        """What goes wrong at the moment; empty: nothing."""
        with self._lock:
            return "; ".join(self._trouble.values())

    def set(self, **values: int) -> None:
        """Set figures."""
        with self._lock:
            self._figures = replace(self._figures, **values)

    def count(self, **more: int) -> None:
        """Add to figures."""
        with self._lock:
            sums: Mapping[str, int] = {
                name: getattr(self._figures, name) + number for name, number in more.items()
            }
            self._figures = replace(self._figures, **sums)

    def say(self, who: str, trouble: str | None) -> bool:
        """Take what goes wrong with *who*, None: nothing; return whether that is new."""
        with self._lock:
            before = self._trouble.pop(who, None)
            if trouble is not None:
                self._trouble[who] = trouble
            return before != trouble


def exposition(figures: Figures) -> str:
    """Return figures as Prometheus reads them (text format 0.0.4)."""
    lines = []
    values = asdict(figures)
    for one in fields(Figures):
        is_counter = one.metadata["type"] == "counter"
        name = f"{PREFIX}_{one.name}{'_total' if is_counter else ''}"
        lines += [
            f"# HELP {name} {one.metadata['help']}",
            f"# TYPE {name} {one.metadata['type']}",
            f"{name} {values[one.name]}",
        ]
    return "\n".join([*lines, ""])
