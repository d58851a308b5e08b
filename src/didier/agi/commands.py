"""What Asterisk is told to do with a call that was decided on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from didier.agi.protocol import argument, command, quoted
from didier.domain.calls.decision import Decision
from didier.domain.calls.targets import text
from didier.services.calls.records import file_name

GATEWAY = command("GET", "VARIABLE", "VICIrecGatewayID")
"""Asks for the id of the gateway that records a call."""

RECORDINGS = "/var/spool/asterisk/monitor/MIX"
_VERSION = re.compile(r"\D*([0-9]+)(?:\.([0-9]+))?")
_OLDEST_BRANCH = 6
"""Asterisk 1.6: before it, arguments of applications were divided by bars."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command; what is *needed* has to be carried out, or none follows."""

    line: bytes
    needed: bool = True


def of(decision: Decision) -> Iterator[Command]:
    """Yield the commands that send a call where it was decided to go; the last one lets it leave."""
    if decision.is_recorded:
        yield Command(_monitor(decision), needed=False)
    if decision.is_cleaned:
        name = f"{decision.call.caller.name} <{decision.number}>"
        yield Command(command("SET", "CALLERID", quoted(name)), needed=False)
    if (target := decision.target) and target.is_whole:
        yield Command(command("SET", "CONTEXT", argument(target.context)))
        yield Command(command("SET", "EXTENSION", argument(target.extension)))
        yield Command(command("SET", "PRIORITY", "1"))


def _monitor(decision: Decision) -> bytes:
    path = f"{RECORDINGS}/{file_name(decision)}"
    if _is_old(text(decision.place.server, "asterisk_version")):
        return command("EXEC", "Monitor", argument(f"wav|{path}"), '""')
    return command("EXEC", "Monitor", quoted(f"wav,{path}"))


def _is_old(version: str) -> bool:
    """Say whether an Asterisk has branch 1.4 or one before: 1.x counts x, others their first number."""
    found = _VERSION.match(version)
    if not found:
        return False
    first, second = int(found[1]), int(found[2] or 0)
    return (second if first <= 1 else first) < _OLDEST_BRANCH
