"""``/schedules``: opening hours, holidays, and where calls go outside them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import Path, Query, Request
from pydantic import ConfigDict, Field, StrictStr
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.domain import schedules as rules
from didier.domain.fields import FALLBACKS_LONGEST
from didier.domain.schedules import DATES_MOST, Special
from didier.errors import Refusal
from didier.services.dids import schedules
from didier.services.dids.named import DeleteNamed
from didier.services.dids.schedules import THINGS, PutSchedule
from didier.services.users.authentication import Caller
from didier.storage.dids.schedules import StoredSchedule
from didier.web.api import answers, cursors
from didier.web.api.answers import Answer
from didier.web.api.context import context_of
from didier.web.api.operations import ApiOperation, Permission
from didier.web.api.paging import Page, page_answer
from didier.web.api.schemas import PAGE_DEFAULT, SEARCH_MOST, Body, Cursor, Limit, refusals
from didier.web.api.signed import Signed, requires, signed_routes
from didier.web.api.timestamps import ZonedText

router = signed_routes("/schedules", "schedules")

READ, WRITE = "dids:read", "dids:write"
UPDATE = Permission("update_did", WRITE)
UPCOMING = 10
"""How many special days to come are shown of a schedule."""

_SHORT = 100
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Text = Annotated[StrictStr, Field(max_length=_SHORT)]
Spans = Annotated[
    list[Text], Field(description="From and to, as `09:00-17:00`; may pass midnight; 24:00 is the day's end")
]
Name = Annotated[str, Path(min_length=1, max_length=_SHORT, description="1 to 50 letters, digits, - and _")]
Search = Annotated[str | None, Query(max_length=SEARCH_MOST, description="Part of the name")]

EXAMPLE: dict[str, Any] = {
    "time_zone": "America/New_York",
    "hours": {"monday": ["09:00-12:00", "13:00-17:30"], "friday": ["22:00-02:00"]},
    "country": "US",
    "subdivision": "NY",
    "dates": [{"date": "12-24", "name": "Christmas Eve", "hours": ["09:00-12:00"]}],
    "outside": "VOICEMAIL:200",
}


class NewOwnDate(Body):
    """A date that is not like others of its weekday, also where it is a holiday."""

    date: Text = Field(description="`2026-12-24`, or `12-24` for that of every year")
    name: Text = ""
    hours: Spans = Field(default_factory=list, description="Empty: closed")


class NewSchedule(Body):
    """Opening hours, by the clocks of their time zone."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    time_zone: Text = Field(description="As `America/New_York`")
    hours: dict[Text, Spans] = Field(
        description="By weekday (`monday` to `sunday`); days that are not named are closed"
    )
    outside: StrictStr = Field(
        max_length=FALLBACKS_LONGEST, description="Where calls go outside the hours, as one of `fallbacks`"
    )
    country: Text = Field("", description="Closed on its public holidays: `US`; empty: on none")
    subdivision: Text = Field("", description="State or province of the country: `NY`; empty: none")
    dates: list[NewOwnDate] = Field(default_factory=list, description=f"{DATES_MOST} at most")
    user_group: Text | None = Field(None, description="Who sees it; null: as it is, or that of new DIDs")


@dataclass
class OwnDate:
    """A date that is not like others of its weekday."""

    date: str
    name: str
    hours: list[str]


@dataclass
class SpecialDay:
    """A day to come on which hours are not those of the week."""

    date: str
    name: str
    hours: Annotated[list[str], Field(description="Empty: closed")]

    @classmethod
    def of(cls, day: Special) -> Self:
        """Return a day as the API shows it."""
        return cls(day.day.isoformat(), day.name, list(map(str, day.spans)))


@dataclass
class Schedule:
    """A schedule, and how it stands at the moment."""

    name: str
    user_group: str
    time_zone: str
    hours: dict[Day, list[str]]
    country: str
    subdivision: str
    dates: list[OwnDate]
    outside: str
    open: Annotated[bool, Field(description="Whether it is open at the moment")]
    reason: Annotated[str, Field(description="Why: a holiday, a date, or the hours of the week")]
    next_opening: Annotated[ZonedText | None, Field(description="null: it is open, or not within a year")]
    upcoming: Annotated[list[SpecialDay], Field(description="The next days with other hours")]

    @classmethod
    def of(cls, stored: StoredSchedule, now: datetime) -> Self:
        """Return a schedule as the API shows it at the moment *now*."""
        schedule = stored.schedule
        values: dict[str, Any] = rules.values_of(schedule)
        dates = [OwnDate(**one) for one in values.pop("dates")]
        state = rules.state(schedule, now)
        opening = None if state.is_open else rules.next_opening(schedule, now)
        today = now.astimezone(schedule.zone).date()
        return cls(
            name=schedule.name,
            user_group=stored.group,
            dates=dates,
            open=state.is_open,
            reason=state.reason,
            next_opening=opening.isoformat() if opening else None,
            upcoming=list(map(SpecialDay.of, rules.upcoming(schedule, today, UPCOMING))),
            **values,
        )


@dataclass
class Schedules(Page):
    """A page of schedules, by name."""

    items: list[Schedule]


def _now() -> datetime:
    return datetime.now().astimezone()


def _about(name: str) -> str:
    return f"schedule {name}"


@router.get(
    "", operation_id="listSchedules", summary="List schedules", response_model=Schedules,
    responses=refusals(),
)  # fmt: skip
async def list_schedules(
    request: Request,
    login: Signed,
    search: Search = None,
    limit: Limit = PAGE_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """List those that the caller sees, by name."""
    after = cursors.read(cursor, "schedules", (str,))

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = THINGS.page(conn, caller, search or "", limit, str(after[0]) if after else "")
        if isinstance(found, Refusal):
            return found
        some, last = found
        following = cursors.write("schedules", [last]) if last else None
        return page_answer(request, Schedules([Schedule.of(one, _now()) for one in some], following))

    return await context_of(request).read(request, login, Permission("list_dids", READ, "schedules"), read)


@router.get(
    "/{name}", operation_id="getSchedule", summary="Show a schedule", response_model=Schedule,
    responses=refusals(404),
)  # fmt: skip
async def get_schedule(request: Request, login: Signed, name: Name) -> Response:
    """Show its hours, whether it is open, and the next days with other hours."""

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = THINGS.one(conn, caller, name)
        return found if isinstance(found, Refusal) else answers.json(Schedule.of(found, _now()))

    return await context_of(request).read(request, login, Permission("list_dids", READ, _about(name)), read)


@router.put(
    "/{name}", operation_id="setSchedule", summary="Store a schedule", response_model=Schedule,
    dependencies=[requires(UPDATE)], responses=refusals(404, 409, 415),
)  # fmt: skip
async def set_schedule(request: Request, login: Signed, name: Name, body: NewSchedule) -> Response:
    """Store it in the place of the one with its name; DIDs that have it are routed by it at once."""
    values = body.model_dump(exclude={"user_group"})
    operation = ApiOperation(
        UPDATE.about_that(_about(name)),
        schedules.put,
        lambda caller: PutSchedule(caller, name, values, body.user_group),
        lambda _, done: answers.json(Schedule.of(done, _now())),
        subject=_about(name).lower(),
        pointers={"name": "name"},
    )
    return await context_of(request).write(request, login, operation)


@router.delete(
    "/{name}", operation_id="deleteSchedule", summary="Delete a schedule", status_code=204,
    response_class=Response, responses=refusals(404, 409),
)  # fmt: skip
async def delete_schedule(request: Request, login: Signed, name: Name) -> Response:
    """Delete one that no DID has."""
    operation = ApiOperation(
        UPDATE.about_that(_about(name)),
        THINGS.delete,
        lambda caller: DeleteNamed(caller, name),
        answers.done,
        subject=_about(name).lower(),
    )
    return await context_of(request).write(request, login, operation)
