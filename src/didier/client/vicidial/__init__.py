"""A client of a genuine VICIdial server, which needs no Didier there.

    from didier.client.vicidial import VicidialClient

    with VicidialClient("https://dialer.example.com", "apiuser", "PASSWORD") as vicidial:
        for result in vicidial.copy("18001234567", to=["18002223333", "18002224000-18002224099"]):
            print(result)

It sends nothing of which VICIdial would make something else than what was asked for.
"""

from didier.client.vicidial.awaiting import AsyncVicidialClient
from didier.client.vicidial.blocking import VicidialClient
from didier.client.vicidial.copying import expand
from didier.client.vicidial.errors import (
    Added,
    CopyInterrupted,
    Exists,
    NoSuchFunction,
    NotReached,
    Refused,
    Result,
    UnexpectedReply,
)
from didier.client.vicidial.lines import Line, LoggedCall, UserDetails, Version

__all__ = [
    "Added",
    "AsyncVicidialClient",
    "CopyInterrupted",
    "Exists",
    "Line",
    "LoggedCall",
    "NoSuchFunction",
    "NotReached",
    "Refused",
    "Result",
    "UnexpectedReply",
    "UserDetails",
    "Version",
    "VicidialClient",
    "expand",
]
