"""What Asterisk is told to do with a call that was decided on, in words: ``agi`` sends them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from didier.domain.calls.decision import Decision
from didier.domain.calls.targets import text

RECORDINGS = "/var/spool/asterisk/monitor/MIX"
_VERSION = re.compile(r"\D*([0-9]+)(?:\.([0-9]+))?")
_OLDEST_BRANCH = 6
"""Asterisk 1.6: before it, arguments of applications were divided by bars."""

_CONTROL = re.compile("[\\x00-\\x1f\\x7f]")
_PLAIN = re.compile(r' *(?:"[^\s"\\]*"|[^\s"\\])+ *')


@dataclass(frozen=True, slots=True)
class Command:
    """A command; what is *needed* has to be carried out, or none follows."""

    line: str
    needed: bool = True


def of(decision: Decision) -> Iterator[Command]:
    """Yield the commands that send a call where it was decided to go; the last one lets it leave."""
    if decision.is_recorded:
        yield Command(_monitor(decision), needed=False)
    if decision.is_cleaned:
        name = f"{decision.call.caller.name} <{decision.number}>"
        yield Command(f"SET CALLERID {quoted(name)}", needed=False)
    if (target := decision.target) and target.is_whole:
        yield Command(f"SET CONTEXT {argument(target.context)}")
        yield Command(f"SET EXTENSION {argument(target.extension)}")
        yield Command("SET PRIORITY 1")


def argument(text: str) -> str:
    """Return *text* as one argument of a command: one with a blank inside is quoted."""
    text = _CONTROL.sub("", text)
    return text if _PLAIN.fullmatch(text) else quoted(text)


def quoted(text: str) -> str:
    """Return *text* in quotes."""
    escaped = _CONTROL.sub("", text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _monitor(decision: Decision) -> str:
    path = f"{RECORDINGS}/{decision.call.recording}"
    if _is_old(text(decision.place.server, "asterisk_version")):
        return f'EXEC Monitor {argument(f"wav|{path}")} ""'
    return f"EXEC Monitor {quoted(f'wav,{path}')}"


def _is_old(version: str) -> bool:
    """Say whether an Asterisk has branch 1.4 or one before: 1.x counts x, others their first number."""
    found = _VERSION.match(version)
    if not found:
        return False
    first, second = int(found[1]), int(found[2] or 0)
    return (second if first <= 1 else first) < _OLDEST_BRANCH
