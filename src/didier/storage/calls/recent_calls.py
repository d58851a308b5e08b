"""Which numbers were on a call lately: answers to `domain.calls.questions.RecentCalls`."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.calls.questions import RecentCalls
from didier.storage.calls.equality import key, keys, local_now, rows_with
from didier.storage.statements import as_text, columns_of
from didier.storage.tables import CLOSER_LOG, LEADS, LISTS, OUTBOUND_LOG

Answers = dict[Any, bool]


def answers(conn: Connection, questions: Sequence[RecentCalls]) -> Answers:
    """Say for each of *questions* whether there was such a call, with one statement for each table."""
    today = local_now(conn).date()
    by_table: dict[tuple[str, str], list[RecentCalls]] = defaultdict(list)
    for question in questions:
        by_table[question.of, question.side if question.of == "log" else ""].append(question)
    found: Answers = {}
    for (of, side), some in by_table.items():
        found |= _of_leads(conn, some, today) if of == "lead" else _of_log(conn, side, some, today)
    return found


def _of_log(conn: Connection, side: str, questions: Sequence[RecentCalls], today: date) -> Answers:
    table = OUTBOUND_LOG if side == "outbound" else CLOSER_LOG
    rows = _calls(conn, table, "t.campaign_id", "call_date", questions, today)
    groups = {question: keys(question.groups) for question in questions}
    return {
        question: any(_is_hit(question, row, groups[question], today) for row in rows[question.number])
        for question in questions
    }


def _of_leads(conn: Connection, questions: Sequence[RecentCalls], today: date) -> Answers:
    rows = _calls(conn, LEADS, "t.list_id", "last_local_call_time", questions, today)
    lists = _lists(conn, questions)
    return {
        question: any(_is_hit(question, row, lists[question], today) for row in rows[question.number])
        for question in questions
    }


def _lists(conn: Connection, questions: Sequence[RecentCalls]) -> dict[RecentCalls, set[str] | None]:
    """Return the lists of the campaigns in *questions*, None where any will do."""
    wanted = {group for question in questions for group in question.groups or ()}
    if not wanted or not columns_of(conn, LISTS):
        return {question: None if question.groups is None else set() for question in questions}
    rows = rows_with(conn, LISTS, "campaign_id", wanted, "t.list_id")
    return {
        question: None
        if question.groups is None
        else {key(str(list_id)) for campaign, list_id in rows if campaign in question.groups}
        for question in questions
    }


_CallRow = tuple[str, str, datetime]
"""Key of the group and of the status of a call, and its moment."""


def _calls(
    conn: Connection, table: str, group: str, moment: str, questions: Sequence[RecentCalls], today: date
) -> Mapping[str, Sequence[_CallRow]]:
    """Return the calls with the numbers in *questions*, by number, as far back as is asked."""
    if not columns_of(conn, table):
        return defaultdict(list)
    since = as_text(datetime.combine(_back(today, max(question.last for question in questions)), _MIDNIGHT))
    columns = f"{group}, t.status, t.{moment}"
    found: dict[str, list[_CallRow]] = defaultdict(list)
    numbers = {question.number for question in questions}
    for number, name, status, at in rows_with(conn, table, "phone_number", numbers, columns, moment, since):
        called = datetime.fromisoformat(at) if isinstance(at, str) else at
        found[number].append((key(str(name or "")), key(status or ""), called))
    return found


def _is_hit(question: RecentCalls, row: _CallRow, groups: Collection[str] | None, today: date) -> bool:
    group, status, at = row
    statuses = keys(question.statuses)
    if not _back(today, question.last) <= at.date() <= _back(today, question.first):
        return False
    return (groups is None or group in groups) and (statuses is None or status in statuses)


_MIDNIGHT = datetime.min.time()
_MOST_DAYS = 36_500


def _back(today: date, days: int) -> date:
    return today - timedelta(days=min(days, _MOST_DAYS))
