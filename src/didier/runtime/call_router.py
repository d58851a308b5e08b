"""Deciding on calls as they come, without a thread for each: what they ask is read by sets."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.engine import Connection, Engine

from didier.config import Settings
from didier.domain.calls import decision as deciding
from didier.domain.calls.call import Call
from didier.domain.calls.decision import Asking, Decision
from didier.domain.calls.questions import Question, WebAnswer
from didier.errors import Unavailable
from didier.runtime.committer import Committer
from didier.runtime.readers import Readers
from didier.runtime.web_answers import WebAnswers
from didier.services.calls import records, routing
from didier.storage.calls import facts

ROUNDS = 20
"""How often a call may come back before it is sent nowhere: it goes in circles."""

AGAIN = 3
"""How often a call may come back to the number that it is sent to, before it is not sent there once more."""

REMEMBERED = 10_000
"""How many calls are remembered for that."""

log = structlog.get_logger()


class CallRouter:
    """Decides on calls and keeps what VICIdial's logs have of them."""

    def __init__(self, engine: Engine, committer: Committer, settings: Settings) -> None:
        self._committer = committer
        self._settings = settings
        self._facts = _Facts(Readers(engine, "calls", 1, settings.agi_connections))
        self._web = WebAnswers(settings.agi_url_seconds, settings.agi_url_networks)
        self._rounds: OrderedDict[str, list[str]] = OrderedDict()

    async def route(self, call: Call, ip: str) -> Decision | None:
        """Return where *call* goes that has arrived at the server *ip*; its log rows are on the disk then.

        None where that cannot be said: it takes too long, the call goes in circles, or nothing can be read.
        """
        before = self._before(call)
        if len(before) > ROUNDS:
            log.warning("call_not_routed", reason="it goes in circles", dialled=call.dialled)
            return None
        asking = deciding.decide(call, ip, again=before.count(call.dialled) > AGAIN)
        try:
            async with asyncio.timeout(self._settings.agi_seconds):
                found = await self._decide(asking)
                rows = records.of(found, datetime.now())
                await self._committer.run(routing.record, rows)
        except (TimeoutError, Unavailable) as error:
            log.warning("call_not_routed", reason=str(error) or "too slow", dialled=call.dialled)
            return None
        return found

    def _before(self, call: Call) -> list[str]:
        """Return what the call was sent to so far, this time too."""
        dialled = self._rounds.setdefault(call.uniqueid, [])
        self._rounds.move_to_end(call.uniqueid)
        if len(self._rounds) > REMEMBERED:
            self._rounds.popitem(last=False)
        dialled.append(call.dialled)
        return dialled

    async def _decide(self, asking: Asking[Decision]) -> Decision:
        answer: Any = None
        while True:
            try:
                asked = asking.send(answer)
            except StopIteration as end:
                found: Decision = end.value
                return found
            questions = list(routing.listed(asked))
            found_here = [one for one in questions if isinstance(one, WebAnswer)]
            stored = [one for one in questions if not isinstance(one, WebAnswer)]
            answers = await self._facts.of(stored) if stored else {}
            for one in found_here:
                answers[one] = await self._web.ask(one.url)
            answer = routing.in_form(asked, answers)


class _Facts:
    """Answers questions: those that come while some are being answered are answered together."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._waiting: dict[Question, asyncio.Future[Any]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def of(self, questions: Iterable[Question]) -> facts.Answers:
        loop = asyncio.get_running_loop()
        futures = {one: self._waiting.setdefault(one, loop.create_future()) for one in questions}
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._answer())
        return {one: await asyncio.shield(future) for one, future in futures.items()}

    async def _answer(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, {}
            try:
                found = await self._readers.run(lambda conn, some=waiting: _read(conn, some))  # type: ignore[misc]
            except Exception as error:
                for future in waiting.values():
                    future.set_exception(error)
                    future.exception()  # whoever waited may have given up
            else:
                for question, future in waiting.items():
                    future.set_result(found[question])
        self._reading = None


def _read(conn: Connection, questions: Iterable[Question]) -> facts.Answers:
    return facts.answers(conn, list(questions))
