"""``/usage`` and reports of it: how much DIDs are called, which are not, and what is called without one."""

import time
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Depends, Query, Request
from pydantic import AfterValidator, Field
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.domain.usage.hours import local as local_time
from didier.errors import Refusal
from didier.services.dids.lookup import Wanted
from didier.services.usage import periods, use
from didier.services.usage.periods import Period
from didier.services.usage.use import CalledNumber, CalledNumbers, Idle, Question, Setting, Used, UsedDid
from didier.services.users.authentication import Caller
from didier.storage.usage.rollups import State
from didier.storage.usage.use import IdleDid, Measured
from didier.web.api import cursors, whole_reports
from didier.web.api.answers import Answer
from didier.web.api.context import ApiContext, context_of
from didier.web.api.dids import wanted
from didier.web.api.operations import Permission
from didier.web.api.paging import Page, page_answer
from didier.web.api.reports import SCOPE
from didier.web.api.schemas import PAGE_DEFAULT, Cursor, Limit, refusals
from didier.web.api.signed import Signed, signed_routes
from didier.web.api.timestamps import Moment, ZonedText
from didier.web.api.whole_reports import WHOLE, Format, Piece, Report

router = signed_routes("", SCOPE)

PERMISSION = Permission(use.ACTION, SCOPE)
PLACE = (int, int)
PIECE = 1_000
"""How many lines of a report are read at once."""

ZONE_MOST = 64
DAYS_MOST = 3_660


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("the name of a time zone, such as Europe/Berlin") from None
    return name


Chosen = Annotated[Wanted, Depends(wanted)]
PeriodName = Literal["today", "yesterday", "7d", "30d", "90d", "13m"]
SortName = Literal["calls", "answered", "missed", "seconds", "wait", "last_call"]
Source = Annotated[
    str | None,
    Query(max_length=50, description="Who has reported the calls; `vicidial` for what VICIdial has logged"),
]


@dataclass(frozen=True, slots=True)
class Times:
    """The period that is asked for, and the zone of its hours and days."""

    period: str | tuple[datetime | None, datetime | None]
    zone: tzinfo | None

    def question(self, chosen: Wanted, source: str | None, setting: Setting) -> Question:
        """Return what is asked of the DIDs that are *chosen*."""
        named = "" if source == "vicidial" else source
        if isinstance(self.period, str):
            return Question(chosen, self.period, self.zone, named)
        zone = self.zone or setting.home
        since, until = (_there(one, zone) for one in self.period)
        until = until or local_time(setting.now, zone) + timedelta(hours=1)
        return Question(chosen, (since or until - timedelta(days=30), until), self.zone, named)


def _there(moment: datetime | None, zone: tzinfo) -> datetime | None:
    return moment.astimezone(zone).replace(tzinfo=None) if moment and moment.tzinfo else moment


def times(
    period: Annotated[
        PeriodName | None,
        Query(description="Days until yesterday, or today so far; by itself the last 30 days"),
    ] = None,
    since: Annotated[
        Moment | None,
        Query(description="In place of a period: from this hour on; local time unless it has a zone"),
    ] = None,
    until: Annotated[Moment | None, Query(description="Before this hour")] = None,
    time_zone: Annotated[
        str | None,
        Query(max_length=ZONE_MOST, description="Whose hours and days count; else those of VICIdial's times"),
        AfterValidator(lambda name: name and _zone(name)),
    ] = None,
) -> Times:
    """Return the period that is asked for."""
    zone = ZoneInfo(time_zone) if time_zone else None
    if since or until:
        return Times((since, until), zone)
    return Times(period or periods.USUAL, zone)


Asked = Annotated[Times, Depends(times)]


@dataclass
class Counted:
    """The period of a report, and from when until when calls were counted by then."""

    since: ZonedText
    until: ZonedText
    counted_from: Annotated[str | None, Field(description="Local time of VICIdial; null before the first")]
    counted_until: str | None

    @classmethod
    def of(cls, period: Period, state: State) -> Self:
        """Return a period as the API shows it."""
        since, until = (_zoned(one, period.zone) for one in (period.begins, period.behind))
        return cls(since, until, state.counted_from, state.counted_until)


def _zoned(moment: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(moment, zone).isoformat()


def _zoned_or_none(moment: int | None, zone: tzinfo) -> str | None:
    return None if moment is None else _zoned(moment, zone)


@dataclass
class CallCounts:
    """Calls counted."""

    calls: int
    redirected: Annotated[int, Field(description="Of these, sent on by another DID")]
    answered: int
    abandoned: Annotated[int, Field(description="The caller gave up")]
    unanswered: Annotated[int, Field(description="Nobody took it: busy, no agent, closed")]
    forwarded: Annotated[
        int,
        Field(description="Sent to an extension, telephone, voicemail or menu; what came of it is not known"),
    ]
    failed: Annotated[int, Field(description="Sent nowhere")]
    answered_share: Annotated[float | None, Field(description="Of those of which it is known, from 0 to 1")]
    seconds: Annotated[int, Field(description="How long they lasted together")]
    average_wait: Annotated[
        float | None, Field(description="Seconds that callers waited in queues; null if none did")
    ]
    first_call: ZonedText | None
    last_call: ZonedText | None


def counts(measured: Measured, zone: tzinfo) -> dict[str, Any]:
    """Return calls counted as the API shows them."""
    share, wait = measured.answered_share, measured.average_wait
    return {
        "calls": measured.calls,
        "redirected": measured.redirected,
        "answered": measured.answered,
        "abandoned": measured.abandoned,
        "unanswered": measured.unanswered,
        "forwarded": measured.forwarded,
        "failed": measured.failed,
        "answered_share": None if share is None else round(share, 4),
        "seconds": measured.seconds,
        "average_wait": None if wait is None else round(wait, 1),
        "first_call": _zoned_or_none(measured.first_at, zone),
        "last_call": _zoned_or_none(measured.last_at, zone),
    }


@dataclass
class DidUsage(CallCounts):
    """How much a DID was called."""

    did_id: int
    extension: Annotated[str, Field(description="The number; of a DID that is gone as it was called last")]
    pattern: Annotated[str | None, Field(description="Null for a DID that no longer exists")]
    description: str | None
    user_group: str | None
    route: str | None
    active: str | None
    calls_before: Annotated[int, Field(description="In the period of the same length before")]
    callers: Annotated[int, Field(description="Different callers that showed a number")]
    callers_exact: Annotated[bool, Field(description="false: an estimate, within 2 % as a rule")]

    @classmethod
    def of(cls, one: UsedDid, zone: tzinfo) -> Self:
        """Return the calls of a DID as the API shows them."""
        did = one.use
        return cls(
            did_id=did.did_id, extension=one.number, pattern=did.pattern, description=did.description,
            user_group=did.group, route=did.route, active=did.active, calls_before=one.calls_before,
            callers=one.callers.count, callers_exact=one.callers.is_exact, **counts(did.measured, zone),
        )  # fmt: skip


@dataclass
class Usages(Page):
    """The DIDs with calls, those with the most first."""

    items: list[DidUsage]
    period: Counted

    @classmethod
    def of(cls, found: Used, order: str) -> Self:
        """Return a page as the API shows it."""
        items = [DidUsage.of(one, found.period.zone) for one in found.dids]
        return cls(items, _next(order, found.following), Counted.of(found.period, found.state))


def _next(order: str, following: tuple[int, int] | None) -> str | None:
    return cursors.write(order, [*following]) if following else None


def _place(cursor: str | None, order: str) -> tuple[int, int] | None:
    found = cursors.read(cursor, order, PLACE)
    return (int(found[0]), int(found[1])) if found else None


def setting_of(context: ApiContext) -> Setting:
    """Return where and when is asked."""
    return Setting(context.zone, time.time())


def _columns(kind: type[Any]) -> list[str]:
    return [*kind.__dataclass_fields__]


@router.get(
    "/usage", operation_id="readUsage", summary="Calls to each DID", response_model=Usages,
    responses={**WHOLE, **refusals()},
)  # fmt: skip
async def read_usage(
    request: Request,
    login: Signed,
    chosen: Chosen,
    asked: Asked,
    source: Source = None,
    sort: Annotated[SortName, Query(description="Those with the most first")] = "calls",
    format: Format = None,
    limit: Limit = PAGE_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """Tell how much the DIDs that the caller sees were called, by themselves in the last 30 days."""
    setting = setting_of(context_of(request))
    question = asked.question(chosen, source, setting)
    order = f"usage {sort}"
    begin = _place(cursor, order)

    def piece(conn: Connection, caller: Caller, after: Any) -> Piece | Refusal:
        found = use.used(conn, caller, question, setting, sort, PIECE, after)
        if isinstance(found, Refusal):
            return found
        return Piece([asdict(DidUsage.of(one, found.period.zone)) for one in found.dids], found.following)

    if kind := whole_reports.asked(request, format):
        report = Report("usage", _columns(DidUsage), PERMISSION, piece)
        return await whole_reports.send(request, login, report, kind)

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = use.used(conn, caller, question, setting, sort, limit, begin)
        return found if isinstance(found, Refusal) else page_answer(request, Usages.of(found, order))

    return await context_of(request).read(request, login, PERMISSION, read)


@dataclass
class UsageBucket(CallCounts):
    """Calls of a day, an hour, or of one hour of all weeks."""

    begins: Annotated[str, Field(description="Local time", examples=["2026-03-04T05:00:00"])]
    weekday: Annotated[int | None, Field(description="0 is Monday; with `by=dow`")]
    hour: Annotated[int | None, Field(description="Of the day; with `by=dow`")]


@dataclass
class UsageSeries(Page):
    """Calls over time."""

    items: list[UsageBucket]
    period: Counted


@router.get(
    "/usage/series", operation_id="readUsageSeries", summary="Calls over time", response_model=UsageSeries,
    responses=refusals(),
)  # fmt: skip
async def read_series(
    request: Request,
    login: Signed,
    chosen: Chosen,
    asked: Asked,
    source: Source = None,
    by: Annotated[
        Literal["day", "hour", "dow"],
        Query(description="Days, hours (the last 45 days), or the hours of a week"),
    ] = "day",
) -> Response:
    """Tell how much the DIDs that the caller sees and wants were called over time, together."""
    setting = setting_of(context_of(request))
    question = asked.question(chosen, source, setting)

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = use.series(conn, caller, question, setting, by)
        if isinstance(found, Refusal):
            return found
        zone = found.period.zone
        items = [
            UsageBucket(begins=one.begins.isoformat(), weekday=one.weekday, hour=one.hour,
                        **counts(one.measured, zone))
            for one in found.buckets
        ]  # fmt: skip
        return page_answer(request, UsageSeries(items, None, Counted.of(found.period, found.state)))

    return await context_of(request).read(request, login, PERMISSION, read)


@dataclass
class IdleNumber:
    """An active DID with few calls."""

    did_id: int
    pattern: str
    description: str | None
    user_group: str | None
    route: str | None
    calls: int
    last_call: Annotated[ZonedText | None, Field(description="Null: none since calls are counted")]
    idle_days: Annotated[int | None, Field(description="Whole days since the last call")]

    @classmethod
    def of(cls, one: IdleDid, setting: Setting) -> Self:
        """Return a DID as the API shows it."""
        days = None if one.last_at is None else max(0, int(setting.now - one.last_at) // 86_400)
        last = _zoned_or_none(one.last_at, setting.home)
        return cls(one.did_id, one.pattern, one.description, one.group, one.route, one.calls, last, days)


@dataclass
class IdleNumbers(Page):
    """Active DIDs with few calls, those without the longest first."""

    items: list[IdleNumber]
    period: Counted

    @classmethod
    def of(cls, found: Idle, setting: Setting) -> Self:
        """Return a page as the API shows it."""
        items = [IdleNumber.of(one, setting) for one in found.dids]
        return cls(items, _next("idle", found.following), Counted.of(found.period, found.state))


@router.get(
    "/reports/idle", operation_id="reportIdle", summary="Active DIDs with few calls",
    response_model=IdleNumbers, responses={**WHOLE, **refusals()},
)  # fmt: skip
async def report_idle(
    request: Request,
    login: Signed,
    chosen: Chosen,
    days: Annotated[int, Query(ge=1, le=DAYS_MOST, description="In the last so many days, and today")] = 30,
    fewer_than: Annotated[int, Query(ge=1, le=1_000_000, description="Fewer calls than this")] = 1,
    format: Format = None,
    limit: Limit = PAGE_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """List active DIDs that nobody calls, or few do; those that were made since are left out."""
    setting = setting_of(context_of(request))
    begin = _place(cursor, "idle")

    def piece(conn: Connection, caller: Caller, after: Any) -> Piece | Refusal:
        found = use.idle(conn, caller, chosen, setting, days, fewer_than, PIECE, after)
        if isinstance(found, Refusal):
            return found
        return Piece([asdict(IdleNumber.of(one, setting)) for one in found.dids], found.following)

    if kind := whole_reports.asked(request, format):
        report = Report("idle", _columns(IdleNumber), PERMISSION, piece)
        return await whole_reports.send(request, login, report, kind)

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = use.idle(conn, caller, chosen, setting, days, fewer_than, limit, begin)
        return found if isinstance(found, Refusal) else page_answer(request, IdleNumbers.of(found, setting))

    return await context_of(request).read(request, login, PERMISSION, read)


@dataclass
class UnknownNumber(CallCounts):
    """A number that was called and that no DID has."""

    number: str
    callers: int
    callers_exact: bool
    called_since: ZonedText

    @classmethod
    def of(cls, one: CalledNumber, zone: tzinfo) -> Self:
        """Return a number as the API shows it."""
        found = one.found
        return cls(
            number=found.number, callers=one.callers.count, callers_exact=one.callers.is_exact,
            called_since=_zoned(found.first_at, zone), **counts(found.measured, zone),
        )  # fmt: skip


@dataclass
class UnknownNumbers(Page):
    """Numbers that were called and that no DID has, the most called first."""

    items: list[UnknownNumber]
    period: Counted

    @classmethod
    def of(cls, found: CalledNumbers, order: str) -> Self:
        """Return a page as the API shows it."""
        items = [UnknownNumber.of(one, found.period.zone) for one in found.numbers]
        return cls(items, _next(order, found.following), Counted.of(found.period, found.state))


@router.get(
    "/reports/unknown", operation_id="reportUnknown", summary="Numbers called without a DID",
    response_model=UnknownNumbers, responses={**WHOLE, **refusals()},
)  # fmt: skip
async def report_unknown(
    request: Request,
    login: Signed,
    asked: Asked,
    sort: Annotated[SortName, Query(description="Those with the most first")] = "calls",
    format: Format = None,
    limit: Limit = PAGE_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """List numbers that were called and that no DID has.

    Who does not see all DIDs is told of those alone that a DID `default` has taken which they see.
    """
    setting = setting_of(context_of(request))
    question = asked.question(Wanted(), None, setting)
    order = f"unknown {sort}"
    begin = _place(cursor, order)

    def piece(conn: Connection, caller: Caller, after: Any) -> Piece | Refusal:
        found = use.unknown(conn, caller, question, setting, sort, PIECE, after)
        if isinstance(found, Refusal):
            return found
        rows = [asdict(UnknownNumber.of(one, found.period.zone)) for one in found.numbers]
        return Piece(rows, found.following)

    if kind := whole_reports.asked(request, format):
        report = Report("unknown", _columns(UnknownNumber), PERMISSION, piece)
        return await whole_reports.send(request, login, report, kind)

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = use.unknown(conn, caller, question, setting, sort, limit, begin)
        return found if isinstance(found, Refusal) else page_answer(request, UnknownNumbers.of(found, order))

    return await context_of(request).read(request, login, PERMISSION, read)
