"""What the demonstration shows besides the tutorial's DID: numbers, destinations, and a month of calls.

It is the same each time but for the day on which it ends. The numbers are those that are kept for fiction.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sqlalchemy.engine import Connection

from didier import tutorial
from didier.domain.destinations import CALL_MENU, IN_GROUP, PHONE, SERVER, Kind
from didier.services.batches import copies
from didier.services.batches.copies import CopyOrder
from didier.services.dids import destinations
from didier.services.dids.destination_orders import AddDestination
from didier.services.users.authentication import Caller
from didier.storage.changes import vicidial_logs
from didier.storage.changes.vicidial_logs import ApiEntry
from didier.storage.statements import as_text, insert
from didier.storage.users import users

DAYS = 30
CALLS = 3_000
RECENT = 60
"""Calls of the last hour besides: those of now are a page of their own."""

_SEED = 2_140_202
_ADDRESS = "127.0.0.1"
_SERVER = "192.0.2.10"


@dataclass(frozen=True, slots=True)
class _Block:
    """Numbers that were copied together, so many *days* ago."""

    days: int
    first: int
    count: int
    values: Mapping[str, str]

    @property
    def numbers(self) -> tuple[str, ...]:
        """The numbers."""
        return tuple(str(self.first + place) for place in range(self.count))


def _to(group: str, description: str, **more: str) -> dict[str, str]:
    return {"did_description": description, "did_route": "IN_GROUP", "group_id": group, **more}


_BLOCKS = (
    _Block(28, 12125550100, 20, _to("SALES", "New York sales", did_carrier_description="Example Telecom")),
    _Block(25, 13125550100, 20, _to("SUPPORT", "Chicago support", did_carrier_description="Example Telecom")),
    _Block(20, 14155550100, 15, {"did_description": "San Francisco menu", "did_route": "CALLMENU",
                                 "menu_id": "MAIN"}),
    _Block(15, 442079460100, 15, {"did_description": "London office", "did_route": "EXTEN",
                                  "extension": "8400", "exten_context": "default"}),
    _Block(10, 12125550150, 10, _to("BILLING", "Billing questions")),
    _Block(6, 13125550150, 9, {"did_description": "Voicemail of the shops", "did_route": "VOICEMAIL",
                               "voicemail_ext": "85026"}),
    _Block(4, 14155550150, 4, {"did_description": "Desks of the managers", "did_route": "PHONE",
                               "phone": "gs102", "server_ip": _SERVER}),
    _Block(1, 442079460150, 6, {"did_description": "Reserved for spring", "did_active": "N"}),
)  # fmt: skip
"""With the tutorial's DID they are a hundred."""

_THINGS: tuple[tuple[Kind, Mapping[str, str]], ...] = (
    (SERVER, {"server_id": "demo", "server_ip": _SERVER, "server_description": "Asterisk in the basement"}),
    (IN_GROUP, {"group_id": "SALES", "group_name": "Sales line"}),
    (IN_GROUP, {"group_id": "SUPPORT", "group_name": "Support"}),
    (IN_GROUP, {"group_id": "BILLING", "group_name": "Billing"}),
    (IN_GROUP, {"group_id": "NIGHT", "group_name": "Night shift", "active": "N"}),
    (PHONE, {"extension": "gs102", "server_ip": _SERVER, "dialplan_number": "8602", "fullname": "Front"}),
    (PHONE, {"extension": "gs103", "server_ip": _SERVER, "dialplan_number": "8603", "fullname": "Workshop"}),
    (CALL_MENU, {"menu_id": "NIGHT", "menu_name": "After hours", "menu_prompt": "closed"}),
    (CALL_MENU, {"menu_id": "MAIN", "menu_name": "Main menu", "menu_prompt": "welcome"}),
)  # fmt: skip

_OPTIONS = {
    "MAIN": (("1", "INGROUP", "SALES", "Sales"), ("2", "INGROUP", "SUPPORT", "Support"),
             ("3", "PHONE", "gs102", "Front desk"), ("TIMEOUT", "CALLMENU", "NIGHT", "Nobody chose")),
    "NIGHT": (("1", "VOICEMAIL", "85026", "Leave a message"), ("TIMEOUT", "HANGUP", "", "")),
}  # fmt: skip

_STRANGERS = ("12125550199", "13125550198", "442079460199")
"""Numbers that are called, and that no DID has."""

_REFUSALS = (
    ("copy_did", "NEW DID ALREADY EXISTS"),
    ("copy_did", "DID PATTERN NOT FOUND"),
    ("add_did", "DID ALREADY EXISTS"),
    ("update_did", "DID DOES NOT EXIST"),
)


def furnish(conn: Connection, now: datetime) -> None:
    """Fill a demonstration that has the tutorial's user and DID alone."""
    user = users.accounts(conn, [tutorial.USER])[tutorial.USER].user
    caller = Caller(user=user, name=tutorial.USER, address=_ADDRESS, origin="admin-panel")
    _add_destinations(conn, caller, now - timedelta(days=DAYS - 1))
    ids: dict[str, int] = {}
    for block in _BLOCKS:
        order = CopyOrder(caller, tutorial.SOURCE_DID, block.numbers, block.values, atomic=True)
        [done] = copies.copy(conn, [order], now - timedelta(days=block.days))
        if not isinstance(done, copies.CopyResult):
            raise done
        ids |= {one.pattern: one.did_id for one in done.copied}
    random = Random(_SEED)  # noqa: S311  # calls that nobody made
    _add_calls(conn, ids, random, now)
    _add_refusals(conn, random, now)


def _add_destinations(conn: Connection, caller: Caller, now: datetime) -> None:
    for kind, values in _THINGS:
        options = [_option(*one) for one in _OPTIONS.get(values.get("menu_id", ""), ())]
        [done] = destinations.add(conn, [AddDestination(caller, kind, values, options)], now)
        if isinstance(done, Exception):
            raise done


def _option(pressed: str, route: str, value: str, description: str) -> dict[str, str | None]:
    return {
        "option_value": pressed,
        "option_route": route,
        "option_route_value": value,
        "option_route_value_context": _SERVER if route == "PHONE" else "",
        "option_description": description,
    }


_DID_LOG = ("uniqueid", "channel", "server_ip", "caller_id_number", "caller_id_name", "extension",
            "call_date", "did_id", "did_route")  # fmt: skip
_CLOSER_LOG = ("lead_id", "campaign_id", "call_date", "length_in_sec", "status", "uniqueid")


def _add_calls(conn: Connection, ids: Mapping[str, int], random: Random, now: datetime) -> None:
    """Write a month of calls, and how long those to in-groups took."""
    calls, answered = [], []
    for number, (when, called, route, group) in enumerate(_calls(random, now)):
        uniqueid = f"{int(when.timestamp())}.{number}"
        caller = f"1646555{random.randrange(100, 200):04}"
        did = str(ids.get(called, "")) if called != tutorial.SOURCE_DID else "1"
        calls.append(
            (uniqueid, f"SIP/demo-{number:08x}", _SERVER, caller, "", called, as_text(when), did, route)
        )
        if group:
            length = random.randrange(15, 900)
            answered.append((number + 1, group, as_text(when), length, "SALE", uniqueid))
    insert(conn, "vicidial_did_log", _DID_LOG, calls)
    insert(conn, "vicidial_closer_log", _CLOSER_LOG, answered)


_Call = tuple[datetime, str, str, str]
"""When a number was called; the route that the call took, and the in-group if it came to one."""


def _calls(random: Random, now: datetime) -> Iterator[_Call]:
    """Yield the calls in order: more by day than by night, and to some numbers far more than to others."""
    called = [
        (number, block.days, block.values.get("did_route", "EXTEN"), block.values.get("group_id", ""))
        for block in _BLOCKS[:-1]
        for number in block.numbers[: -max(1, block.count // 10)]  # some nobody calls
    ]
    called += [(tutorial.SOURCE_DID, DAYS, "EXTEN", ""), *((number, DAYS, "", "") for number in _STRANGERS)]
    weights = [1 / (1 + place % 23) for place in range(len(called))]
    found = []
    for number, days, route, group in random.choices(called, weights, k=CALLS):
        when = now - timedelta(days=random.uniform(0, days), hours=random.choice((0, 0, 0, 6)))
        found.append((when.replace(microsecond=0), number, route, group))
    for number, _, route, group in random.choices(called, weights, k=RECENT):
        when = now - timedelta(minutes=random.uniform(0, 60))
        found.append((when.replace(microsecond=0), number, route, group))
    return iter(sorted(found))


def _add_refusals(conn: Connection, random: Random, now: datetime) -> None:
    """Write some requests that were refused, on each day."""
    for days in range(DAYS - 1, -1, -1):
        entries = [_refused(*random.choice(_REFUSALS)) for _ in range(random.randrange(3))]
        if entries:
            vicidial_logs.write_api(conn, entries, "demo", now - timedelta(days=days, minutes=7))


def _refused(function: str, reason: str) -> ApiEntry:
    return ApiEntry(
        user=tutorial.USER, function=function, result="ERROR", reason=reason, source=tutorial.SOURCE,
        data="", seconds=0, script="/vicidial/non_agent_api.php", host="localhost", url="",
        address=_ADDRESS,
    )  # fmt: skip
