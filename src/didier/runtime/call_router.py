"""Deciding on calls as they come, without a thread for each: what they ask is read by sets."""

import asyncio
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any

import structlog

from didier.config import Settings
from didier.domain import numbers
from didier.domain.calls import caller_ids
from didier.domain.calls.call import Call
from didier.domain.calls.deciding import decide
from didier.domain.calls.decision import Decision, Step
from didier.domain.calls.live import Undecided
from didier.domain.calls.questions import Asking, WebAnswer
from didier.domain.calls.targets import Target
from didier.errors import Unavailable
from didier.runtime.call_facts import CallFacts
from didier.runtime.call_log import CallLog
from didier.runtime.web_answers import WebAnswers
from didier.services.calls import records, routing
from didier.storage.calls.facts import Answers

ROUNDS = 10
"""How often in a row a call may come back to where it was sent: then it goes in circles."""

REMEMBERED = 10_000
"""How many calls are remembered for that."""

log = structlog.get_logger()


class CallRouter:
    """Decides on calls and keeps what VICIdial's logs have of them."""

    def __init__(self, facts: CallFacts, call_log: CallLog, settings: Settings) -> None:
        self._facts = facts
        self._log = call_log
        self._settings = settings
        self._web = WebAnswers(settings.agi_url_seconds, settings.agi_url_networks)
        self._rounds = _Rounds()

    async def route(self, call: Call, ip: str) -> Decision | Undecided:
        """Return where *call* goes that has arrived at the server *ip*; its log rows are on the disk then.

        Undecided where that cannot be said: it takes too long, or nothing can be read. Rows that cannot be
        written are lost.
        """
        rounds = self._rounds.of(call)
        end = asyncio.get_running_loop().time() + self._settings.agi_seconds
        try:
            async with asyncio.timeout_at(end):
                forms = self._other_forms(call)
                deciding = decide(call, ip, forms, at=datetime.now(UTC), may_return=rounds < ROUNDS)
                found = await self._decide(deciding, end)
        except (TimeoutError, Unavailable) as error:
            reason = str(error) or "too slow"
            log.warning("call_not_routed", reason=reason, dialled=call.dialled)
            return Undecided(reason)
        await self._log.write(records.of(found, datetime.now()), end)
        self._rounds.sent(call, found.target, rounds)
        return found

    def _other_forms(self, call: Call) -> list[str]:
        settings = self._settings
        return numbers.forms(call.dialled, settings.region) if settings.agi_number_forms else []

    async def _decide(self, asking: Asking[Decision], deadline: float) -> Decision:
        loop = asyncio.get_running_loop()
        answer: Any = None
        oldest: float | None = None
        while True:
            try:
                asked = asking.send(answer)
            except StopIteration as end:
                return _with_age(end.value, oldest)
            questions = list(routing.listed(asked))
            found_here = [one for one in questions if isinstance(one, WebAnswer)]
            stored = [one for one in questions if not isinstance(one, WebAnswer)]
            answers: Answers = {}
            if stored:
                answers, age = await self._facts.of(stored)
                oldest = oldest if age is None else age
            for one in found_here:
                # A web address that is silent is no hit: there has to be time left to say so.
                answers[one] = await self._web.ask(one.url, (deadline - loop.time()) / 2)
            answer = routing.in_form(asked, answers)


def _with_age(decision: Decision, age: float | None) -> Decision:
    if age is not None:
        known = f"what was known {age:.0f} seconds ago, and that nobody is there or waits"
        decision.steps.insert(0, Step("replica", f"the database is away: by {known}"))
    return decision


class _Rounds:
    """How often calls have come back to where they were sent.

    One that asks for a further destination than before has not gone in a circle: it neither counts, nor is
    what it has come back before forgotten, as its dialplan may begin with the first destination again.
    """

    def __init__(self) -> None:
        self._sent: OrderedDict[str, tuple[str, int, int]] = OrderedDict()

    def of(self, call: Call) -> int:
        """Return how often in a row *call* has come back so far, this time too."""
        dialled, tried, rounds = self._sent.get(call.uniqueid, (None, 0, 0))
        if dialled != call.dialled:
            return 0
        return rounds if call.next > tried else rounds + 1

    def sent(self, call: Call, target: Target | None, rounds: int) -> None:
        """Remember where *call* was sent, if it comes back from there."""
        self._sent.pop(call.uniqueid, None)
        if target:
            # As Asterisk will say it: blanks at the ends are no part of an argument.
            extension = caller_ids.safe(target.extension).strip(" ")
            self._sent[call.uniqueid] = extension, call.next, rounds
            if len(self._sent) > REMEMBERED:
                self._sent.popitem(last=False)
