"""Where in the dialplan a route leads."""

import re
from dataclasses import dataclass

from didier.domain.calls.call import Place, Row
from didier.domain.calls.questions import Asking, DialplanNumber

REDIRECTED = "trunkinbound"
"""The context in which calls arrive: what is sent there finds its way anew."""

LATE, AT_ONCE = "99809", "99909"
"""What VICIdial's dialplan takes for calls to agents that are answered later, and at once."""

BY_SCRIPT = frozenset({"IN_GROUP", "AGENT"})
"""Routes whose destination VICIdial's next script looks for in the row of the DID."""

_ADDRESS = re.compile(r"([^ ]*)\.([^ .]*)\.([^ .]*)\.([^ .]*)")
_SHORT = (1, 2)
_NOTHING = re.compile(r'[\s"\x00-\x1f\x7f]*')  # an argument of these is an empty one, or ends in the middle


@dataclass(frozen=True, slots=True)
class Target:
    """A place in the dialplan; the priority is 1."""

    context: str
    extension: str

    @property
    def is_whole(self) -> bool:
        """Whether calls may be sent there: after an empty argument Asterisk would come back for ever."""
        return not (_NOTHING.fullmatch(self.context) or _NOTHING.fullmatch(self.extension))


def text(row: Row, column: str) -> str:
    """Return the value of a column as text; NULL and a column that is not there are empty."""
    value = row.get(column)
    return "" if value is None else str(value)


def of(row: Row, place: Place, reason: str) -> Asking[Target | None]:
    """Return where the route of *row* leads, if it is one; *reason* is told to who takes the call."""
    route, context = text(row, "did_route"), text(row, "exten_context") or "default"
    server, prefix = place.server, prefixed(text(row, "server_ip"))
    if route == "EXTEN":
        return Target(context, text(row, "extension"))
    if route in BY_SCRIPT:
        is_late = int(text(place.settings, "inbound_answer_config") or 0) > 0
        begin = LATE if is_late and text(row, "inbound_route_answer") == "N" else AT_ONCE
        return Target(_agents_context(server), f"{begin}*{text(row, 'did_id')}***{reason}")
    if route == "CALLMENU":
        return Target(text(row, "menu_id"), "s")
    if route in {"VOICEMAIL", "VMAIL_NO_INST"}:
        dump = "voicemail_dump_exten" if route == "VOICEMAIL" else "voicemail_dump_exten_no_inst"
        return Target(context, f"{prefix}{text(server, dump)}{text(row, 'voicemail_ext')}")
    if route == "PHONE":
        number = yield DialplanNumber(text(row, "server_ip"), text(row, "phone"))
        return Target(context, f"{prefix}{number or ''}")
    return None


def _agents_context(server: Row) -> str:
    """Return the context of *server* for agents; VICIdial takes 0 for none, for which default stands."""
    context = text(server, "ext_context")
    return context if context not in {"", "0"} else "default"


def prefixed(address: str) -> str:
    """Return what the dialplan has before the extensions of the server with *address*: ``127*000*000*001*``.

    Parts of one and two characters become three; what is no address has no prefix.
    """
    found = _ADDRESS.search(address)
    if not found:
        return ""
    return "".join(f"{part:>03}*" if len(part) in _SHORT else f"{part}*" for part in found.groups())
