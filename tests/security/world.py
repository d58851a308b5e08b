"""A server with a caller, somebody else, and things of theirs; its database is set for each case."""

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from didier.domain.scopes import SCOPES
from didier.services.users import tokens as secrets
from didier.services.users.sessions import SessionSecret
from didier.storage.changes import vicidial_logs
from didier.storage.changes.vicidial_logs import AdminEntry
from didier.storage.statements import as_text, run
from didier.storage.tables import SYSTEM_SETTINGS
from didier.storage.users import second_factors, tokens
from didier.storage.users.second_factors import SecondFactor
from didier.storage.users.tokens import Token
from didier.web.admin.cookies import token_of
from security.circumstances import Circumstance
from security.rule import FULL, Row
from support.browsers import Browser
from support.process import until
from support.server import Didier
from support.usage import count_all
from web.api.conftest import Api

CALLER, OTHER, PASSWORD = "caller", "agent", "caller-pass"
DID, MARK = "7770001", "zebra"
"""The DID that requests are about, and a text that stands in what is shown of others' things.

Neither is likely to stand in the random texts of a page.
"""

EXTENSION = f"{MARK}8317"

DESK_SERVER = "192.0.2.20"
"""A server that everybody sees."""

PARTS = {
    "pattern": DID, "name": OTHER, "group_id": "HIDDEN", "menu_id": "HIDDEN", "extension": "hidden",
    "server_ip": DESK_SERVER, "server_id": "hidden",
}  # fmt: skip
"""What stands in addresses."""

WEBHOOK = {"url": "https://203.0.113.7/hook", "description": MARK, "enabled": False}
"""An endpoint to which nothing is sent: its address is kept for documentation."""

SCHEDULE = {"time_zone": "UTC", "hours": {}, "outside": "VOICEMAIL:200"}
GATEWAYS = {"gateways": [{"address": "192.0.2.30"}]}
REPORTED_CALLS = {
    "source": "edge",
    "calls": [{
        "call_id": "1", "number": DID, "result": "failed", "started_at": "2026-03-04T05:06:07Z",
        "ended_at": "2026-03-04T05:06:08Z",
    }],
}  # fmt: skip
EDGE = {"sequence": 1, "numbers": 1, "kamailio": "connected"}

_DESTINATIONS = {
    "vicidial_inbound_groups": {"group_id": "HIDDEN", "group_name": MARK},
    "vicidial_call_menu": {"menu_id": "HIDDEN", "menu_name": MARK},
    "phones": {"extension": "hidden", "server_ip": DESK_SERVER, "fullname": MARK},
    "servers": {"server_id": "hidden", "server_ip": "192.0.2.21", "server_description": MARK},
    "didier_schedules": {
        "name": OTHER,
        "value": json.dumps({**SCHEDULE, "dates": [{"date": "12-24", "name": MARK}]}),
        "updated_at": "2026-03-04 05:06:07",
    },
    "didier_gateways": {
        "name": OTHER,
        "number": 1,
        "value": json.dumps({"gateways": [{"address": "192.0.2.31", "description": MARK}]}),
        "updated_at": "2026-03-04 05:06:07",
    },
}
"""What DIDs could lead to, of another group."""

DRIFTED = "7770005"
"""A copy that differs from its source."""

CALL, DAY = "5559990123", str(date.today())
"""The number that has called the DID, and the day."""

LOGS = frozenset({"vicidial_api_log", "vicidial_api_urls", "vicidial_urls", "vicidial_webservers"})
"""What every request adds to."""

TIMES: Mapping[str, frozenset[str]] = {
    "vicidial_users": frozenset({
        "last_login_date", "last_ip", "failed_login_attempts_today", "failed_login_count_today",
        "failed_last_ip_today", "failed_last_type_today",
    }),
    "didier_tokens": frozenset({"last_used_at"}),
    "didier_sessions": frozenset({"used_at"}),
    "didier_changes": frozenset({"sequence"}),
}  # fmt: skip
"""What any request may note, who came when; and what is noted by itself after a while."""

FAILURES: Mapping[str, frozenset[str]] = {
    "vicidial_users": frozenset({"failed_login_count"}),
    "didier_unknown_names": frozenset({"digest", "failures", "failed_at"}),
}
"""What a sign-in that is refused counts."""

Rows = list[tuple[Any, ...]]
TableImage = tuple[tuple[str, ...], Rows]
"""The columns and rows of a table."""

Image = Mapping[str, TableImage]


@dataclass
class World:
    """The running server, its database, and what is in it."""

    server: Didier
    engine: Engine
    ids: dict[str, int] = field(default_factory=dict)
    logins: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    browser: Browser = field(init=False)
    factor: SecondFactor = field(init=False)  # the caller's, who has it in some cases
    secret: str = field(init=False)  # of it
    base: Image = field(init=False)
    before: Image = field(init=False)
    arranged: tuple[object, ...] = ()

    def __post_init__(self) -> None:
        self.browser = Browser(self.server)
        names = sa.inspect(self.engine).get_table_names()
        self._tables = sorted(set(names) - LOGS - {"didier_version", "didier_leases"})
        self._read: dict[str, tuple[object, TableImage]] = {}
        _fill(self)
        self.base = self.image()

    def image(self) -> Image:
        """Return all that is stored, logs aside."""
        with closing(self.engine.raw_connection()) as conn, closing(conn.cursor()) as cursor:
            sums = self._sums(cursor)
            for table in self._tables:
                if table not in self._read or sums[table] != self._read[table][0]:
                    self._read[table] = sums[table], _read(cursor, table)
        return {table: read for table, (_, read) in self._read.items()}

    def _sums(self, cursor: Any) -> dict[str, object]:
        """Return checksums of the tables: reading all rows takes much longer.

        SQLite has none: there it is the same for all that are empty, and for each other a new one each time.
        """
        if self.engine.dialect.name == "sqlite":
            filled = ", ".join(f"EXISTS (SELECT 1 FROM {table})" for table in self._tables)
            cursor.execute(f"SELECT {filled}")
            flags = zip(self._tables, cursor.fetchone(), strict=True)
            return {table: object() if is_filled else None for table, is_filled in flags}
        cursor.execute(f"CHECKSUM TABLE {', '.join(self._tables)}")
        return {name.partition(".")[2]: number for name, number in cursor.fetchall()}

    def restore(self) -> None:
        """Put back all that was stored at the beginning."""
        now = self.image()
        with self.engine.begin() as conn:
            for table, (columns, rows) in self.base.items():
                if now[table][1] != rows:
                    _replace(conn, table, columns, rows)
        self.arranged = ()

    def arrange(self, circumstance: Circumstance, row: Row, level: int) -> None:
        """Let the database be as *circumstance* says, for the request *row*."""
        columns = circumstance.columns(row.need, level)
        factor = circumstance.factor or row.factor
        state = (circumstance.heading, factor, *columns.items())
        if self.arranged == state:
            return
        self.restore()
        with self.engine.begin() as conn:
            _set(conn, "vicidial_users", columns, f"user = '{CALLER}'")
            _set(conn, "vicidial_users", circumstance.other, f"user = '{OTHER}'")
            _set(conn, "vicidial_user_groups", {"admin_viewable_groups": circumstance.sees},
                 "user_group = 'DESK'")  # fmt: skip
            if factor:
                confirmed = None if factor == "waiting" else _now()
                whole = replace(self.factor, confirmed_at=confirmed, keeps_password=factor == "confirmed")
                second_factors.put(conn, whole)
            if circumstance.settings:
                _replace(
                    conn,
                    SYSTEM_SETTINGS,
                    tuple(circumstance.settings),
                    [tuple(circumstance.settings.values())],
                )
        self.before = self.image()
        self.arranged = state

    def changes(self) -> list[str]:
        """Name what has changed since the last time; the circumstance is to be arranged anew where it has."""
        before, self.before = self.before, self.image()
        if changes(before, self.before, failures=True):
            self.arranged = ()
        return changes(before, self.before)


def _read(cursor: Any, table: str) -> TableImage:
    cursor.execute(f"SELECT * FROM {table}")
    return tuple(column[0] for column in cursor.description), list(map(tuple, cursor.fetchall()))


def changes(before: Image, after: Image, *, failures: bool = False) -> list[str]:
    """Name the tables in which more differs than who came when, and with *failures* who failed how often."""
    return [
        table
        for table in before
        if before[table] != after[table] and _kept(table, before, failures) != _kept(table, after, failures)
    ]


def _kept(table: str, image: Image, failures: bool) -> Rows:
    columns, rows = image[table]
    left_out = TIMES.get(table, frozenset()) | (frozenset() if failures else FAILURES.get(table, frozenset()))
    places = [place for place, name in enumerate(columns) if name not in left_out]
    return [tuple(row[place] for place in places) for row in rows] if places else []


def _replace(conn: Connection, table: str, columns: tuple[str, ...], rows: Rows) -> None:
    run(conn, f"DELETE FROM {table}")
    names, marks = ", ".join(f"`{name}`" for name in columns), ", ".join("?" * len(columns))
    for row in rows:
        run(conn, f"INSERT INTO {table} ({names}) VALUES ({marks})", *row)


def _set(conn: Connection, table: str, columns: Mapping[str, str], where: str = "1 = 1") -> None:
    if columns:
        run(conn, f"UPDATE {table} SET {', '.join(f'{name} = ?' for name in columns)} WHERE {where}",
            *columns.values())  # fmt: skip


def _now() -> datetime:
    return datetime.now().replace(microsecond=0)


def _fill(world: World) -> None:
    """Put the caller, somebody else, a DID, batches, tokens, a session and logs into the database."""
    with world.engine.begin() as conn:
        for group in ("DESK", "SUPPORT"):
            run(conn, "INSERT INTO vicidial_user_groups (user_group, group_name, admin_viewable_groups,"
                " api_ip_list) VALUES (?, ?, ' ---ALL--- ', 'OFFICE')", group, group)  # fmt: skip
        run(conn, "INSERT INTO vicidial_ip_lists (ip_list_id, active) VALUES ('OFFICE', 'Y')")
    world.server.call(function="list_dids")  # makes the key under which names of nobody are counted
    admin = Api(world.server)
    for name, group, level in ((CALLER, "DESK", 8), (OTHER, "SUPPORT", 1)):
        body = {"user": name, "password": PASSWORD, "user_group": group, "user_level": level}
        assert 201 == admin.post("/users", {**body, "full_name": f"{name} {MARK}"}).status
    _add_things(world, admin)
    _add_webhook(world, admin)
    with world.engine.begin() as conn:
        _set(conn, "vicidial_users", FULL, f"user = '{CALLER}'")
        for name in (CALLER, OTHER):
            world.ids[name] = run(conn, "SELECT user_id FROM vicidial_users WHERE user = ?", name)[0][0]
        _add_tokens(world, conn)
        _add_logs(conn)
        _add_destinations(conn)
    count_all(world.engine)
    _add_factors(world)
    assert 303 == world.browser.sign_in(CALLER, PASSWORD).status
    world.tokens = {"session": world.browser.token, "ended": token_of(SessionSecret("ended"))}


def _add_factors(world: World) -> None:
    """Give the other user a second factor, and take note of one for the caller, who has none."""
    for name in (OTHER, CALLER):
        begun = Api(world.server, name, PASSWORD).post("/me/second-factor", {"password": PASSWORD})
        assert 201 == begun.status
        world.secret = begun.body["secret"]
    with world.engine.begin() as conn:
        factor = second_factors.of_user(conn, world.ids[CALLER])
        assert factor
        world.factor = factor
        second_factors.remove(conn, factor.user_id)


_ODD = {"exten_context": "unheard-of"}
"""What is wrong with the DIDs: a check shows them."""


def _add_things(world: World, admin: Api) -> None:
    """Make DIDs of another group, and a batch of each kind that an administrator has ordered."""
    shared = {"user_group": "SUPPORT", "did_route": "EXTEN", "extension": EXTENSION, **_ODD}
    described = {"did_description": f"Support {MARK}"}
    steps = {
        "made": admin.post("/dids", {"did_pattern": DID, **shared, **described}),
        "copied": admin.post("/copies", {"source": DID, "targets": ["7770002"]}),
        "added": admin.add("7770003", **shared),
        "doomed": admin.add("7770004", **shared),
        "updated": admin.patch("/dids/7770003", {"record_call": "Y"}),
        "deleted": admin.ask("DELETE", "/dids/7770004"),
        "copied again": admin.post("/copies", {"source": DID, "targets": [DRIFTED]}),
        "drifted": admin.patch(f"/dids/{DRIFTED}", {"record_call": "Y"}),
    }
    assert {201, 200, 204} >= {reply.status for reply in steps.values()}
    with world.engine.connect() as conn:
        rows = run(conn, "SELECT change_id FROM didier_changes WHERE kind = 'did' ORDER BY change_id")
    world.ids |= dict(zip(steps, (row[0] for row in rows), strict=True))


def _add_webhook(world: World, admin: Api) -> None:
    """Make an endpoint of the administrator's, and wait for an event that it hears of."""
    made = admin.post("/webhooks", WEBHOOK)
    assert 201 == made.status
    until(lambda: admin.get("/changes?after=0").body["items"])
    event = admin.get("/changes?after=0").body["items"][0]
    world.ids |= {"webhook": made.body["id"], "event": int(event["id"])}


def _add_tokens(world: World, conn: Connection) -> None:
    every = tuple(scope.name for scope in SCOPES)
    past = datetime(2020, 1, 1)
    kinds: Mapping[str, dict[str, Any]] = {
        "everything": {},
        **{name: {"scopes": (name,)} for name in every},
        "prefix": {"scopes": tuple(name for name in every if name != "users"), "pattern_prefix": "9"},
        "revoked": {"revoked_at": past},
        "expired": {"expires_at": past},
        "network": {"networks": ("192.0.2.0/24",)},
        "own": {},
        "another's": {"user": OTHER, "user_id": world.ids[OTHER], "name": MARK},
    }
    for kind, values in kinds.items():
        secret = secrets.generate()
        whole = {"user": CALLER, "user_id": world.ids[CALLER], "name": kind, "scopes": every, "networks": (),
                 "pattern_prefix": None, "expires_at": None, **values}  # fmt: skip
        revoked_at = whole.pop("revoked_at", None)
        token = Token(token_id=0, hint="didier_", created_at=_now(), created_by="admin", created_by_id=1,
                      **whole)  # fmt: skip
        world.ids[kind] = tokens.add(conn, token, secret.digest)
        world.logins[kind] = secret.text
        if revoked_at:
            tokens.revoke(conn, world.ids[kind], revoked_at)
    world.logins["unknown"] = secrets.generate().text


def _add_logs(conn: Connection) -> None:
    """Log a request and a change of the other user, and a call to the DID, which was made long ago."""
    run(conn, "UPDATE didier_changes SET changed_at = '2026-01-01 00:00:00' WHERE kind = 'did'")
    entry = vicidial_logs.ApiEntry(OTHER, "list_dids", "ERROR", MARK, "test", "", 0, "", "", "", "192.0.2.1")
    vicidial_logs.write_api(conn, [entry], "test", _now())
    change = AdminEntry(OTHER, "192.0.2.1", "MODIFY", OTHER, "ADMIN API TEST", MARK, section="USERS")
    vicidial_logs.write_admin(conn, [change], _now())
    did = run(conn, "SELECT did_id FROM vicidial_inbound_dids WHERE did_pattern = ?", DID)[0][0]
    for when in (as_text(_now() - timedelta(days=2)), f"{DAY} 00:00:01", as_text(_now())):
        run(conn, "INSERT INTO vicidial_did_log (uniqueid, channel, server_ip, extension, call_date, did_id,"
            " caller_id_number) VALUES ('1', 'c', '192.0.2.1', ?, ?, ?, ?)",
            DID, when, str(did), CALL)  # fmt: skip
    run(conn, "INSERT INTO vicidial_did_log (uniqueid, channel, server_ip, extension, call_date, did_id,"
        " caller_id_number) VALUES ('2', 'c', '192.0.2.1', ?, ?, '', ?)",
        f"{MARK}00", as_text(_now()), CALL)  # fmt: skip


def _add_destinations(conn: Connection) -> None:
    run(conn, "INSERT INTO servers (server_id, server_ip) VALUES ('desk', ?)", DESK_SERVER)
    for table, values in _DESTINATIONS.items():
        columns = {**values, "user_group": "SUPPORT"}
        run(conn, f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
            *columns.values())  # fmt: skip
