"""Calls as VICIdial logs them, made up: what a day of a call centre leaves in its tables."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from sqlalchemy.engine import Connection

from didier.storage.statements import as_text, insert

ZONE = ZoneInfo("Europe/Berlin")
ROUTES = {
    "IN_GROUP": 50, "EXTEN": 20, "F_IN_GROUP": 5, "PF_DID": 5, "F_DID": 3, "NA_EXTEN": 3, "MQ_EXTEN": 3,
    "PFR_DID": 3, "VMAIL_NO_INST": 3, "NA_IN_GROUP": 5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of VICIdial's tables, by their columns."""

    did_log: list[tuple[object, ...]]
    call_log: list[tuple[object, ...]]
    closer_log: list[tuple[object, ...]]


DID_LOG = (
    "uniqueid", "channel", "server_ip", "caller_id_number", "extension", "call_date", "did_id", "did_route",
)  # fmt: skip
CALL_LOG = ("uniqueid", "channel", "server_ip", "start_time", "start_epoch", "length_in_sec")
CLOSER_LOG = (
    "lead_id", "campaign_id", "call_date", "length_in_sec", "uniqueid", "user", "queue_seconds",
    "term_reason",
)  # fmt: skip


def history(seed: int, begins: datetime, hours: int, per_hour: int, dids: dict[int, str]) -> Rows:
    """Return calls to DIDs (numbers by id; 0: numbers that none has) from a moment in UTC on."""
    made = Rows([], [], [])
    choose = random.Random(seed)
    for number in range(hours * per_hour):
        seconds = choose.uniform(0, 3600) + 3600 * (number // per_hour)
        _call(made, choose, begins + timedelta(seconds=int(seconds)), number, dids)
    for rows in (made.did_log, made.call_log, made.closer_log):
        choose.shuffle(rows)  # nobody says in which order they stand
    return made


def _call(made: Rows, choose: random.Random, moment: datetime, number: int, dids: dict[int, str]) -> None:
    epoch = int(moment.replace(tzinfo=UTC).timestamp())
    uniqueid = f"{epoch}.{number}"
    server = choose.choice(["10.0.0.1", "10.0.0.2"])
    here = moment.replace(tzinfo=UTC).astimezone(ZONE).replace(tzinfo=None, fold=0)
    did_id = choose.choice(list(dids))
    extension = dids[did_id] or choose.choice(["8001234567", "8007654321", "5550000", ""])
    route = choose.choices(list(ROUTES), list(ROUTES.values()))[0] if did_id else ""
    caller = choose.choice(["", *(f"72755500{one:02}" for one in range(30))])
    stored_id = str(did_id) if did_id else choose.choice(["", ""])
    made.did_log.append((uniqueid, "SIP/a", server, caller, extension, as_text(here), stored_id, route))
    last = route
    if route.endswith("DID"):
        other = choose.choice([one for one in dids if one])
        last = "IN_GROUP"
        at = as_text(here + timedelta(seconds=choose.choice([0, 1, 2])))
        made.did_log.append((uniqueid, "SIP/a", server, caller, dids[other], at, str(other), last))
    length = choose.randrange(600)
    if choose.random() < 0.9:
        made.call_log.append((uniqueid, "SIP/a", server, as_text(here), epoch, length))
    if "IN_GROUP" in last and choose.random() < 0.9:
        for _ in range(choose.choice([1, 1, 1, 2])):
            user = choose.choice(["VDCL", "6001", "6002"])
            reason = choose.choice(["CALLER", "AGENT", "ABANDON", "QUEUETIMEOUT", "NOAGENT"])
            waited = choose.randrange(60)
            came = as_text(here + timedelta(seconds=3))
            group = choose.choice(["SALES", "SUPPORT"])
            made.closer_log.append((7, group, came, waited + 30, uniqueid, user, waited, reason))


def in_zone(rows: Rows, zone: tzinfo) -> Rows:
    """Return *rows* with the times of another zone."""

    def there(text: object) -> str:
        moment = datetime.fromisoformat(str(text)).replace(tzinfo=ZONE)
        return as_text(moment.astimezone(zone).replace(tzinfo=None))

    return Rows(
        [(*row[:5], there(row[5]), *row[6:]) for row in rows.did_log],
        [(*row[:3], there(row[3]), *row[4:]) for row in rows.call_log],
        [(*row[:2], there(row[2]), *row[3:]) for row in rows.closer_log],
    )


def store(conn: Connection, rows: Rows, archive: str = "") -> None:
    """Add *rows* to VICIdial's tables, or to their archives."""
    insert(conn, f"vicidial_did_log{archive}", DID_LOG, rows.did_log)
    insert(conn, f"call_log{archive}", CALL_LOG, rows.call_log)
    insert(conn, f"vicidial_closer_log{archive}", CLOSER_LOG, rows.closer_log)


def epochs(first: datetime, hours: int) -> Iterator[int]:
    """Yield the hours from a moment in UTC on, in seconds since 1970."""
    begins = int(first.replace(tzinfo=UTC).timestamp())
    yield from range(begins, begins + hours * 3600, 3600)
