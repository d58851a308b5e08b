"""``/schedules`` and ``/schedule``: opening hours, as a list and a form with the holidays to come."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.routing import route

from didier.domain import public_holidays
from didier.domain import schedules as rules
from didier.domain.schedules import DAYS, Special
from didier.errors import Refusal
from didier.services.dids.schedules import THINGS
from didier.services.users.authentication import Caller
from didier.storage.dids.schedules import StoredSchedule
from didier.web.admin import named
from didier.web.admin.cookies import PREFIX
from didier.web.admin.page import PanelPage, caller_of, may
from didier.web.api.operations import Permission
from didier.web.api.schedules import UPCOMING

READ = Permission("list_dids", "dids:read")


@dataclass(frozen=True, slots=True)
class Shown:
    """A schedule as pages show it: whether it is open, why, and when it opens."""

    stored: StoredSchedule
    state: rules.State
    opening: datetime | None

    @classmethod
    def of(cls, stored: StoredSchedule, now: datetime) -> "Shown":
        """Return how *stored* stands at the moment *now*."""
        state = rules.state(stored.schedule, now)
        opening = None if state.is_open else rules.next_opening(stored.schedule, now)
        return cls(stored, state, opening)


class SchedulesPage(PanelPage):
    """The list of schedules, and a form for a new one."""

    path = "/schedules"
    menu_label = "Schedules"
    menu_part = "Destinations"
    icon = "fa-solid fa-business-time"
    guide = "schedules#in-the-panel"
    permission = READ

    def is_active(self, request: Request) -> bool:
        """Say whether the request is for the list, or for one of those in it."""
        return super().is_active(request) or request.scope["path"].startswith(f"{PREFIX}/schedule/")

    @route("")
    async def index(self, request: Request) -> Response:
        """Show those that the caller sees, by name."""
        found = await named.read(self, request, THINGS)
        rows = [Shown.of(one, _now()) for one in found.things]
        return self.render(request, "schedules.html", "Schedules", rows=rows, **found.context)

    @route("/new")
    async def new(self, request: Request) -> Response:
        """Show the form for a new one."""
        self.demand(request, "update_did")
        are_kept, offered = await self.read(request, lambda conn, _: (THINGS.are_kept(conn), _offered()))
        values = {"hours": {day: ["09:00-17:00"] for day in DAYS[:5]}}
        return self.render(
            request, "schedule.html", "New schedule", name="", shown=None, are_kept=are_kept,
            may_change=are_kept, values=values, upcoming=(), places=(),
            group=caller_of(request).user.group_of_new_dids(), **offered,
        )  # fmt: skip


class SchedulePage(PanelPage):
    """A schedule."""

    path = "/schedule"
    add_to_menu = False
    guide = "schedules#in-the-panel"
    permission = READ

    @route("/{name}")
    async def index(self, request: Request) -> Response:
        """Show the form, the holidays to come, and the DIDs that have it."""
        name = str(request.path_params["name"])

        def read(conn: Connection, caller: Caller) -> dict[str, Any] | Refusal:
            found = THINGS.one(conn, caller, name)
            if isinstance(found, Refusal):
                return found
            return {"stored": found, "places": THINGS.places(conn, caller, found), **_offered()}

        found = await self.read(request, read)
        stored: StoredSchedule = found.pop("stored")
        schedule, now = stored.schedule, _now()
        return self.render(
            request, "schedule.html", schedule.name, name=schedule.name, shown=Shown.of(stored, now),
            are_kept=True, may_change=may(request, "update_did"), values=rules.values_of(schedule),
            upcoming=_upcoming(stored, now), group=stored.group, **found,
        )  # fmt: skip


def _upcoming(stored: StoredSchedule, now: datetime) -> list[Special]:
    schedule = stored.schedule
    return rules.upcoming(schedule, now.astimezone(schedule.zone).date(), UPCOMING)


def _offered() -> dict[str, Any]:
    """Return what fields offer; the library of holidays takes a moment at first, so not on the loop."""
    return {
        "days": DAYS,
        "time_zones": sorted(rules.time_zones()),
        "countries": public_holidays.countries(),
    }


def _now() -> datetime:
    return datetime.now().astimezone()
