"""An inbound call, as the channel on which it arrived tells of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from didier.domain.calls import caller_ids
from didier.domain.calls.caller_ids import CallerId

Row = Mapping[str, Any]
"""The columns of a row that the database has."""

NEXT = "next="
"""What the argument begins with by which the dialplan asks for a further destination: ``next=1``."""

_COUNT = re.compile("[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Call:
    """What is known of a call before anything is looked up.

    *kind* is the channel's technology (SIP), *gateway* the id of a recording gateway that the call came
    through, *context* the dialplan context from which its way is asked for. *stamp* is the moment of the call
    as YYYYMMDDhhmmss, for the names of recordings. *asked_next* is what the dialplan says
    behind `NEXT`, as written.
    """

    uniqueid: str
    channel: str
    dialled: str
    caller: CallerId
    kind: str = ""
    gateway: str = ""
    context: str = ""
    stamp: str = ""
    asked_next: str = ""

    @classmethod
    def of(cls, environment: Mapping[str, str], gateway: str, stamp: str) -> "Call":
        """Return the call of an AGI *environment*; what is missing there is empty."""

        def told(name: str) -> str:
            return environment.get(f"agi_{name}", "")

        return cls(
            uniqueid=told("uniqueid"),
            channel=told("channel"),
            dialled=caller_ids.safe(told("extension")),
            caller=caller_ids.read(told("callerid"), told("calleridname")),
            kind=told("type"),
            gateway=gateway,
            context=told("context"),
            stamp=stamp,
            asked_next=argument.removeprefix(NEXT) if (argument := told("arg_1")).startswith(NEXT) else "",
        )

    @property
    def next(self) -> int:
        """How many destinations have not taken the call; 0 where the dialplan says nothing that counts."""
        return int(self.asked_next) if _COUNT.fullmatch(self.asked_next) else 0

    @property
    def has_bad_next(self) -> bool:
        """Whether the dialplan says how many, in words that do not count."""
        return bool(self.asked_next) and not _COUNT.fullmatch(self.asked_next)

    @property
    def recording(self) -> str:
        """The name of the call's recording, without its ending."""
        return f"{self.stamp}_{self.dialled}_{self.caller.number}".replace("/", "_")


@dataclass(frozen=True, slots=True)
class Place:
    """Where calls arrive: the server with the address *ip*, its row in *server*, and the system's *settings*.

    A row that is not there is empty.
    """

    ip: str
    server: Row
    settings: Row
