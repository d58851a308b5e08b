"""Where calls go, decided for many at a time."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.calls.decision import Decision
from didier.domain.calls.questions import Asking, Question, WebAnswer
from didier.services.calls.records import Record
from didier.storage.calls import facts, logs
from didier.storage.calls.logs import Row

AskWeb = Callable[[str], tuple[int, str] | None]
"""Asks a web address: its status and body, 0 and nothing without an answer; None: it does not ask."""


def decide(conn: Connection, deciding: Sequence[Asking[Decision]], ask_web: AskWeb) -> list[Decision]:
    """Return what *deciding* comes to; the questions of all are answered together, round by round."""
    done: dict[int, Decision] = {}
    waiting = {place: _next(one, None, done, place) for place, one in enumerate(deciding)}
    while open_ := {place: asked for place, asked in waiting.items() if asked is not None}:
        questions = {question for asked in open_.values() for question in listed(asked)}
        found = answers(conn, questions, ask_web)
        waiting = {
            place: _next(deciding[place], in_form(asked, found), done, place)
            for place, asked in open_.items()
        }
    return [done[place] for place in range(len(deciding))]


def _next(one: Asking[Decision], answer: Any, done: dict[int, Decision], place: int) -> Any:
    try:
        return one.send(answer)
    except StopIteration as end:
        done[place] = end.value
        return None


def listed(asked: Question | tuple[Question, ...]) -> Iterator[Question]:
    """Yield the questions that were asked at a time."""
    yield from asked if isinstance(asked, tuple) else (asked,)


def in_form(asked: Question | tuple[Question, ...], found: facts.Answers) -> Any:
    """Return the answers in *found* as the questions were asked: one, or some."""
    return tuple(map(found.__getitem__, asked)) if isinstance(asked, tuple) else found[asked]


def answers(conn: Connection, questions: Collection[Question], ask_web: AskWeb) -> facts.Answers:
    """Return the answers to *questions*, by the database and by *ask_web*."""
    stored = [question for question in questions if not isinstance(question, WebAnswer)]
    found = facts.answers(conn, stored)
    return found | {one: ask_web(one.url) for one in questions if isinstance(one, WebAnswer)}


def record(conn: Connection, calls: Sequence[Sequence[Record]]) -> list[dict[str, str]]:
    """Write what is kept of *calls*; return for each which of its tables could not be written, and why."""
    failed = logs.write(conn, (row for rows in calls for row in rows))
    return [{row.table: failed[row.table] for row in rows if row.table in failed} for rows in calls]


def deliver(conn: Connection, rows: Sequence[Row]) -> dict[str, str]:
    """Write those of *rows* that are not there yet; return the tables that could not be written, and why."""
    return logs.write(conn, logs.missing(conn, rows))
