"""``/did``: one DID, its route and history, the form that changes it, and where a call to it goes."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.routing import route

from didier.domain import schedules
from didier.domain.calls.targets import REDIRECTED
from didier.domain.fields import BY_COLUMN
from didier.domain.routes import sentence
from didier.errors import Refusal
from didier.services.calls import explain
from didier.services.calls.explain import SupposedCall
from didier.services.changes import history
from didier.services.changes.history import HistoryEntry
from didier.services.dids import lookup, nowhere
from didier.services.dids.lookup import Total, Wanted
from didier.services.reports import drift
from didier.services.usage import call_statistics, periods, use
from didier.services.usage.use import Question, Setting
from didier.services.users.authentication import Caller
from didier.storage.dids import deletion_locks
from didier.storage.dids.pages import Row, Sort
from didier.web.admin import call_figures, forms
from didier.web.admin.call_figures import CallFigures, Counting, said_callers, trend_of
from didier.web.admin.page import PanelPage, address, may
from didier.web.api.explanations import CALLER_MOST
from didier.web.api.operations import Permission
from didier.web.api.usage import setting_of

CHANGES = 20
COPIES = 10
CALLS = 1_000


class DidPage(PanelPage):
    """A DID."""

    path = "/did"
    guide = "panel#one-did"
    add_to_menu = False
    permission = Permission("did_info", "dids:read")

    @route("/{pattern}")
    async def index(self, request: Request) -> Response:
        """Show the DID with its history."""
        pattern = request.path_params["pattern"]
        everything = request.query_params.get("all") == "1"
        before = request.query_params.get("before")
        setting = setting_of(self.desk.context) if may(request, use.ACTION) else None

        def read(conn: Connection, caller: Caller) -> dict[str, Any] | Refusal:
            row = lookup.one(conn, caller, pattern)
            if isinstance(row, Refusal):
                return row
            changes = history.history(conn, caller, pattern, CHANGES + 1, before)
            if isinstance(changes, Refusal):
                return changes
            found = _found(conn, caller, row, changes)
            calls = _calls(conn, caller, str(row["did_pattern"]), setting) if setting else {}
            if isinstance(found, Refusal) or isinstance(calls, Refusal):
                return found if isinstance(found, Refusal) else calls
            return {**found, **calls}

        found = await self.read(request, read)
        row = found["row"]
        return self.render(
            request, "did.html", str(row["did_pattern"]), **found, everything=everything,
            groups=forms.values(row, everything=everything), sentence=sentence(row), labels=LABELS,
            is_first=before is None, etag=lookup.version(row), nonce=request.state.nonce,
            can={action: may(request, action) for action in ("update_did", "delete_did", "copy_did")},
        )  # fmt: skip

    @route("/{pattern}/calls")
    async def calls(self, request: Request) -> Response:
        """Show the calls of a day."""
        pattern, day = request.path_params["pattern"], _day(request.query_params.get("day", ""))

        def read(conn: Connection, caller: Caller) -> dict[str, Any] | Refusal:
            row = lookup.one(conn, caller, pattern)
            if isinstance(row, Refusal):
                return row
            number = str(row["did_pattern"])
            calls = call_statistics.calls(conn, caller, number, day, CALLS + 1)
            return calls if isinstance(calls, Refusal) else {"pattern": number, "calls": calls}

        found = await self.read(request, read)
        return self.render(
            request, "did_calls.html", "Calls of a day", pattern=found["pattern"], day=day,
            calls=found["calls"][:CALLS], shown=CALLS, is_cut=len(found["calls"]) > CALLS,
            neighbours=[near for near in (_near(day, -1), _near(day, 1)) if near],
            export=address("api", "v1", "calls", number=found["pattern"], date=day.isoformat()),
        )  # fmt: skip

    @route("/{pattern}/edit")
    async def edit(self, request: Request) -> Response:
        """Show the form that changes the DID."""
        pattern = request.path_params["pattern"]
        row = await self.read(request, lambda conn, caller: lookup.one(conn, caller, pattern))
        self.demand(request, "update_did")
        return self.render(
            request, "did_form.html", f"Edit {row['did_pattern']}", pattern=row["did_pattern"], row=row,
            groups=forms.inputs(row, row.keys()), sentence=sentence(row), etag=lookup.version(row),
        )  # fmt: skip

    @route("/{pattern}/route")
    async def explain(self, request: Request) -> Response:
        """Show where a call from somebody would go, and why."""
        pattern = str(request.path_params["pattern"])
        asked = {name: request.query_params.get(name, "")[:CALLER_MOST] for name in _OF_CALLER}
        context = self.desk.context
        server_ip = asked["server_ip"] or context.agi_server_ip
        at = _moment(request.query_params.get("at", ""))
        call = SupposedCall(pattern, asked["caller"], asked["name"], server_ip, context.agi_region, at)
        found = await self.read(
            request, lambda conn, caller: explain.explain(conn, caller, call, datetime.now())
        )
        target = found.decision.target
        onward = target.extension if target and target.context == REDIRECTED else None
        return self.render(
            request, "did_route.html", "Where do calls go?", pattern=pattern, found=found,
            decision=found.decision, target=target, onward=onward, asked=asked, most=CALLER_MOST,
            at=f"{at:%Y-%m-%dT%H:%M}" if at else "",
        )  # fmt: skip


_OF_CALLER = ("caller", "name", "server_ip")
"""What is asked about a call."""


def _moment(written: str) -> datetime | None:
    """Return the moment that is asked about, on the clock of the server; None: now, as for what is none."""
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment.astimezone() if schedules.may_be_asked(moment) else None


LABELS = {field.column: field.label for field in BY_COLUMN.values()}


def _day(written: str) -> date:
    """Return the day that is asked about; today for what is none."""
    try:
        return date.fromisoformat(written)
    except ValueError:
        return date.today()


def _near(day: date, days: int) -> date | None:
    """Return a day beside another, None beyond the ends of the calendar."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return None


def _calls(conn: Connection, caller: Caller, pattern: str, setting: Setting) -> dict[str, Any] | Refusal:
    """Return how much the DID was called in the last days."""

    def leads_to(since: datetime, _: datetime) -> str:
        return address("did", pattern, "calls", day=since.date().isoformat())

    question = Question(Wanted(dids=[pattern]), periods.USUAL)
    used = use.used(conn, caller, question, setting, "calls", 1)
    if isinstance(used, Refusal):
        return used
    over_time = call_figures.over_time(conn, caller, question, setting, leads_to)
    if isinstance(over_time, Refusal):
        return over_time
    figures = [
        (CallFigures.of(one.use.measured, setting.home), said_callers(one.callers), trend_of(one, used))
        for one in used.dids
    ]
    return {"counting": Counting.of(used.state, setting), "over_time": over_time, "used": figures}


def _found(
    conn: Connection, caller: Caller, row: Row, changes: list[HistoryEntry]
) -> dict[str, Any] | Refusal:
    pattern, did_id = str(row["did_pattern"]), int(row["did_id"] or 0)
    copies = lookup.page(conn, caller, Wanted(copied_from=pattern), Sort(), COPIES)
    if isinstance(copies, Refusal):
        return copies
    more_copies = copies.following is not None
    counted = lookup.total(conn, caller, Wanted(copied_from=pattern), exact=True) if more_copies else None
    following = changes[CHANGES - 1].cursor if len(changes) > CHANGES else None
    return {
        "row": row,
        "nowhere": nowhere.reason(conn, row),
        "locked": bool(deletion_locks.locked(conn, [did_id])),
        "changes": changes[:CHANGES],
        "following": following,
        "copies": copies.rows,
        "more_copies": more_copies,
        "count": counted.count if isinstance(counted, Total) else len(copies.rows),
        "drifted": drift.count(conn, caller, pattern) if copies.rows else None,
    }
