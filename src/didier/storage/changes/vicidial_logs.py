"""The logs that VICIdial's reports read: ``vicidial_api_log`` and ``vicidial_admin_log``."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.masking import MASK, reveals
from didier.storage.statements import (
    as_text,
    columns_of,
    insert,
    insert_one,
    insert_returning,
    only_known,
    run,
)
from didier.storage.tables import ADMIN_LOG, API_LOG, API_URLS, URLS, WEBSERVERS

_API_COLUMNS = (
    "user", "api_date", "api_script", "function", "agent_user", "value", "result", "result_reason",
    "source", "data", "run_time", "webserver", "api_url",
)  # fmt: skip
URL_LIMIT = 10_000
"""Most characters of an address that are kept."""

REPEATED_URL_LIMIT = 500
"""The same for the further lines of an answer, of which there may be a thousand."""

DATA_LIMIT = 65_535
"""Most bytes of a line's data: what VICIdial's column, a TEXT, holds."""

_URL_COLUMNS = ("api_id", "api_date", "remote_ip", "url")
_ADMIN_COLUMNS = (
    "event_date", "user", "ip_address", "event_section", "event_type", "record_id", "event_code",
    "event_sql", "event_notes",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ApiEntry:
    """One answer line of the Non-Agent API."""

    user: str
    function: str
    result: str
    reason: str
    source: str
    data: str
    seconds: int  # whole seconds the call took
    script: str  # address of the script that was called
    host: str  # host name or address in it
    url: str  # the whole address as received, secrets masked
    address: str  # the client's
    agent_user: str = ""  # the user that the call is about


@dataclass(frozen=True, slots=True)
class AdminEntry:
    """One change of a DID, a user or the servers."""

    user: str
    address: str
    type: str  # ADD, COPY, MODIFY, DELETE or OTHER
    record_id: str
    code: str
    notes: str
    batch_id: int | None = None
    section: str = "DIDS"
    sql: str = ""  # the change for people to read, see `event_sql`

    @property
    def event_sql(self) -> str:
        """The batch, by which Didier finds it again, and the change; each ends in a bar, as VICIdial's does.

        The batch stands first, where no value of a change can stand.
        """
        batch = f"didier batch {self.batch_id}|" if self.batch_id else ""
        return f"{batch}{self.sql}|" if self.sql else batch


def write_api(conn: Connection, entries: Sequence[ApiEntry], hostname: str, now: datetime) -> None:
    """Write *entries* to the API log and their addresses to ``vicidial_api_urls``.

    Texts are cut at the width of their column, as VICIdial's database does.
    """
    places = {(entry.script, entry.host): (0, 0) for entry in entries}
    for script, host in places:
        places[script, host] = _place(conn, script[:250], host[:125], hostname[:125])
    date = as_text(now)
    rows = []
    for entry in entries:
        url_id, webserver_id = places[entry.script, entry.host]
        rows.append((
            _storable(_masked(entry.user))[:20], date, "non-agent", entry.function[:20],
            _storable(entry.agent_user)[:20], "", entry.result, _storable(entry.reason)[:255],
            _storable(entry.source)[:20], _cut(_storable(_masked(entry.data))), str(entry.seconds),
            webserver_id, url_id,
        ))  # fmt: skip
    ids = insert_returning(conn, API_LOG, *only_known(conn, API_LOG, _API_COLUMNS, rows), "api_id")
    if columns_of(conn, API_URLS):
        urls = _addresses(ids, entries, date)
        insert(conn, API_URLS, *only_known(conn, API_URLS, _URL_COLUMNS, urls))


def _addresses(ids: Sequence[int], entries: Sequence[ApiEntry], date: str) -> list[tuple[int, str, str, str]]:
    """Return the rows of the addresses: a long one is kept with the first line of its answer alone."""
    rows = []
    before = ""
    for api_id, entry in zip(ids, entries, strict=True):
        limit = REPEATED_URL_LIMIT if entry.url == before else URL_LIMIT
        rows.append((api_id, date, entry.address[:50], _storable(entry.url[:limit])))
        before = entry.url
    return rows


def _masked(text: str) -> str:
    """Return what a caller sent, unless it holds a secret under its name, as a wrong address may."""
    return MASK if ("=" in text or ":" in text or "%" in text) and reveals(text) else text


def _cut(data: str) -> str:
    if len(data) * 4 <= DATA_LIMIT:
        return data
    return data.encode()[:DATA_LIMIT].decode("utf-8", "ignore")


# VICIdial's tables are utf8mb3.
_UNSTORABLE = re.compile("[\U00010000-\U0010ffff]")


def _storable(text: str) -> str:
    return text if text.isascii() else _UNSTORABLE.sub("?", text)


_PLACE = (
    f"SELECT (SELECT url_id FROM {URLS} WHERE url = ?),"
    f" (SELECT webserver_id FROM {WEBSERVERS} WHERE webserver = ? AND hostname = ?)"
)


def _place(conn: Connection, script: str, host: str, machine: str) -> tuple[int, int]:
    """Return the ids under which the script's address and this machine are known.

    They are 0, VICIdial's default, in older versions, which do not keep them.
    """
    if not (columns_of(conn, URLS) and columns_of(conn, WEBSERVERS)):
        return 0, 0
    url_id, webserver_id = run(conn, _PLACE, script, host, machine)[0]
    if url_id is None:
        url_id = insert_one(conn, URLS, {"url": script}, "url_id")
    if webserver_id is None:
        values = {"webserver": host, "hostname": machine}
        webserver_id = insert_one(conn, WEBSERVERS, values, "webserver_id")
    return url_id, webserver_id


def write_admin(conn: Connection, entries: Iterable[AdminEntry], now: datetime) -> None:
    """Write *entries* to the admin log."""
    date = as_text(now)
    rows = [
        (
            date, entry.user[:20], entry.address[:15], entry.section, entry.type, entry.record_id,
            entry.code, entry.event_sql, entry.notes,
        )
        for entry in entries
    ]  # fmt: skip
    insert(conn, ADMIN_LOG, *only_known(conn, ADMIN_LOG, _ADMIN_COLUMNS, rows))
