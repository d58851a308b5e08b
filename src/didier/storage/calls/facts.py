"""Answers to what deciding on calls asks (`domain.calls.questions`), by sets.

A table that a VICIdial does not have is an empty one.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy.engine import Connection

from didier.domain import patterns
from didier.domain.calls.call import Place, Row
from didier.domain.calls.questions import (
    ActiveDids,
    AgentsOf,
    Container,
    DialplanNumber,
    Gone,
    Listed,
    LiveAgent,
    NotToBeCalled,
    PlaceOf,
    Question,
    RecentCalls,
    ScheduleOf,
    Waiting,
)
from didier.storage import dialects, row_sets
from didier.storage.calls import recent_calls
from didier.storage.calls.equality import key, local_now, rows_with
from didier.storage.dids import dids, nowhere, schedules
from didier.storage.statements import as_json, as_text, columns_of, known_columns, run
from didier.storage.tables import (
    AUTO_CALLS,
    CAMPAIGN_DNC,
    CONTAINERS,
    DIDS,
    DNC,
    FILTER_NUMBERS,
    LIVE_AGENTS,
    PHONES,
    ROUTING,
    SERVERS,
    SYSTEM_SETTINGS,
)

AGENT_SECONDS = 5
"""How long an agent counts as being there after the last sign of life."""

QUEUE_SECONDS = 60
"""How long a call counts as waiting after the last sign of life."""

_READY = frozenset({"READY", "CLOSER"})

Asked = TypeVar("Asked")
Answers = dict[Question, Any]


def answers(conn: Connection, questions: Collection[Question]) -> Answers:
    """Return the answers to *questions*, with a fixed number of statements for each kind."""
    by_kind: dict[type, list[Any]] = defaultdict(list)
    for question in questions:
        by_kind[type(question)].append(question)
    found: Answers = {}
    for kind, of_kind in by_kind.items():
        found |= _KINDS[kind](conn, of_kind)
    return found


def _places(conn: Connection, questions: Sequence[PlaceOf]) -> Answers:
    settings = _first(conn, SYSTEM_SETTINGS)
    servers = _servers(conn, {question.ip for question in questions})
    return {question: Place(question.ip, servers.get(question.ip, {}), settings) for question in questions}


def _servers(conn: Connection, ips: Collection[str]) -> Mapping[str, Row]:
    known = known_columns(conn, SERVERS, ROUTING[SERVERS])
    if not known:
        return {}
    source = row_sets.joined(dialects.of(conn), SERVERS, "server_ip")
    listed = ", ".join(f"t.{column}" for column in known)
    rows = run(conn, f"SELECT r.value, {listed} FROM {source}", as_json(ips))
    return {row[0]: dict(zip(known, row[1:], strict=True)) for row in rows}


def _first(conn: Connection, table: str) -> Row:
    known = known_columns(conn, table, ROUTING[table])
    if not known:
        return {}
    rows = run(conn, f"SELECT {', '.join(known)} FROM {table} LIMIT 1")
    return dict(zip(known, rows[0], strict=True)) if rows else {}


def _active_dids(conn: Connection, questions: Sequence[ActiveDids]) -> Answers:
    wanted = {_short(pattern) for question in questions for pattern in question.patterns} - {None}
    named = {pattern for pattern in wanted if pattern is not None}
    found = dids.find(conn, named)
    ids = {pattern: did.did_id for pattern in named if (did := found.get(pattern))}
    if not dialects.of(conn).has_collations:
        ids |= _padded(conn, named - ids.keys())
    rows = dids.images(conn, set(ids.values()), wanted=ROUTING[DIDS])
    active = {did_id: row for did_id, row in rows.items() if row.get("did_active") == "Y"}

    def row_of(pattern: str) -> Row | None:
        short = _short(pattern)
        return active.get(ids.get(short, 0)) if short is not None else None

    return {question: tuple(map(row_of, question.patterns)) for question in questions}


def _short(pattern: str) -> str | None:
    """Return *pattern* without the blanks at its end, which do not count; None for what no row can have."""
    pattern = pattern.rstrip(" ")
    return pattern if len(pattern) <= patterns.MAX_LENGTH and "\0" not in pattern else None


def _padded(conn: Connection, wanted: Collection[str]) -> dict[str, int]:
    """Return the ids of DIDs whose patterns have blanks at their end, which SQLite compares."""
    if not wanted:
        return {}
    source = dialects.of(conn).items("value", "VARCHAR(255)")
    sql = (
        f"SELECT r.value, d.did_id FROM {source} CROSS JOIN {DIDS} AS d"
        " ON d.did_pattern BETWEEN r.value || ' ' AND r.value || '!' AND rtrim(d.did_pattern) = r.value"
    )
    return dict(run(conn, sql, as_json(wanted)))


def _listed(conn: Connection, questions: Sequence[Listed]) -> Answers:
    numbers = {number for question in questions for number in question.numbers}
    there = _pairs(conn, FILTER_NUMBERS, "phone_number", "filter_phone_group_id", numbers)
    return {
        question: any((n, key(group)) in there for n in question.numbers for group in question.groups)
        for question in questions
    }


def _not_to_be_called(conn: Connection, questions: Sequence[NotToBeCalled]) -> Answers:
    inner = {n for question in questions if question.campaign is None for n in question.numbers}
    of_campaigns = {n for question in questions if question.campaign is not None for n in question.numbers}
    there = _pairs(conn, DNC, "phone_number", None, inner)
    there |= _pairs(conn, CAMPAIGN_DNC, "phone_number", "campaign_id", of_campaigns)

    def is_there(question: NotToBeCalled) -> bool:
        campaign = None if question.campaign is None else key(question.campaign)
        return any((number, campaign) in there for number in question.numbers)

    return {question: is_there(question) for question in questions}


def _pairs(
    conn: Connection, table: str, column: str, other: str | None, wanted: Collection[str]
) -> set[tuple[str, str | None]]:
    """Return which of *wanted* stand in *column*, each with the key of what stands in *other* beside it."""
    if not wanted or not columns_of(conn, table):
        return set()
    rows = rows_with(conn, table, column, wanted, f"t.{other}" if other else "NULL")
    return {(value, None if beside is None else key(beside)) for value, beside in rows}


def _containers(conn: Connection, questions: Sequence[Container]) -> Answers:
    if not columns_of(conn, CONTAINERS):
        return dict.fromkeys(questions, "")
    names = {question.name for question in questions}
    there = dict(rows_with(conn, CONTAINERS, "container_id", names, "t.container_entry"))
    return {question: there.get(question.name) or "" for question in questions}


def _agents_of(conn: Connection, questions: Sequence[AgentsOf]) -> Answers:
    agents = _agents(conn)

    def are_there(question: AgentsOf) -> bool:
        wanted = f" {key(question.group)} "
        states = [state for _, state, groups in agents if wanted in groups]
        if question.state == "any":
            return bool(states)
        ready = (
            state in _READY if question.state == "ready" else state != "PAUSED" for state in states if state
        )
        return any(ready)

    return {question: are_there(question) for question in questions}


def _live_agents(conn: Connection, questions: Sequence[LiveAgent]) -> Answers:
    users = {user for user, _, _ in _agents(conn) if user is not None}
    return {question: key(question.user) in users for question in questions}


def _agents(conn: Connection) -> list[tuple[str | None, str, str]]:
    """Return key, state and in-groups (between blanks) of the agents that are there at the moment."""
    if "last_update_time" not in columns_of(conn, LIVE_AGENTS):
        return []
    since = as_text(local_now(conn) - timedelta(seconds=AGENT_SECONDS))
    sql = f"SELECT user, status, closer_campaigns FROM {LIVE_AGENTS} WHERE last_update_time > ?"
    return [
        (None if user is None else key(user), state or "", patterns.key(groups or ""))
        for user, state, groups in run(conn, sql, since)
    ]


def _waiting(conn: Connection, questions: Sequence[Waiting]) -> Answers:
    if not columns_of(conn, AUTO_CALLS):
        return dict.fromkeys(questions, 0)
    since = as_text(local_now(conn) - timedelta(seconds=QUEUE_SECONDS))
    sql = f"SELECT campaign_id FROM {AUTO_CALLS} WHERE status IN ('LIVE', 'IVR') AND last_update_time > ?"
    counts = Counter(key(group or "") for (group,) in run(conn, sql, since))
    return {question: counts[key(question.group)] for question in questions}


def _dialplan_numbers(conn: Connection, questions: Sequence[DialplanNumber]) -> Answers:
    if not columns_of(conn, PHONES):
        return dict.fromkeys(questions)
    phones = {question.phone for question in questions}
    rows = rows_with(conn, PHONES, "extension", phones, "t.server_ip, t.dialplan_number")
    there = {(phone, key(server or "")): number for phone, server, number in rows}
    return {question: there.get((question.phone, key(question.server_ip))) for question in questions}


def _gone(conn: Connection, questions: Sequence[Gone]) -> Answers:
    found = nowhere.gone(conn, {thing for question in questions for thing in question.things})
    return {
        question: {thing: found[thing] for thing in question.things if thing in found}
        for question in questions
    }


def _schedules(conn: Connection, questions: Sequence[ScheduleOf]) -> Answers:
    found = schedules.by_name(conn, {question.name for question in questions})
    return {question: found.get(question.name) for question in questions}


_KINDS: Mapping[type, Callable[[Connection, Any], Answers]] = {
    PlaceOf: _places, ActiveDids: _active_dids, Listed: _listed, NotToBeCalled: _not_to_be_called,
    Container: _containers, RecentCalls: recent_calls.answers, AgentsOf: _agents_of, LiveAgent: _live_agents,
    Waiting: _waiting, DialplanNumber: _dialplan_numbers, Gone: _gone,
    ScheduleOf: _schedules,
}  # fmt: skip
