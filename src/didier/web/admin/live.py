"""``/live``: the calls of now and of the last hour. Its script has the figures anew as calls come."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.routing import route

from didier.domain.calls.live import CallResult
from didier.errors import NotPermitted
from didier.web.admin.page import PanelPage, caller_of, may, refused
from didier.web.api.live import PERMISSION, LiveCalls, LiveCounts


@dataclass(frozen=True, slots=True)
class ResultLabel:
    """How a result is called on the page, and the color of its tag."""

    label: str
    color: str


LABELS: dict[CallResult, ResultLabel] = {
    "routed": ResultLabel("sent on", "good"),
    "logged": ResultLabel("taken by a DID", "note"),
    "unknown": ResultLabel("no DID", "bad"),
    "nowhere": ResultLabel("leads nowhere", "bad"),
    "loop": ResultLabel("in circles", "bad"),
    "not_routed": ResultLabel("not decided", "bad"),
    "refused": ResultLabel("refused by Asterisk", "bad"),
    "hung_up": ResultLabel("caller hung up", "calm"),
}


class LivePage(PanelPage):
    """The calls of now and of the last hour."""

    path = "/live"
    menu_label = "Live calls"
    icon = "fa-solid fa-phone-volume"
    guide = "live"
    permission = PERMISSION

    @route("")
    async def index(self, request: Request) -> Response:
        """Show the calls, and let the page's script keep them up to date."""
        return self.render(request, "live.html", "Live calls", **await self._calls(request))

    @route("/part")
    async def part(self, request: Request) -> Response:
        """Return what changes, for the page's script to put into its place."""
        return self.render(request, "live_part.html", "Live calls", **await self._calls(request))

    async def _calls(self, request: Request) -> dict[str, Any]:
        found = await self.desk.context.call_board.snapshot(caller_of(request))
        if isinstance(found, NotPermitted):
            raise refused(found)
        calls = LiveCalls.of(found)
        return {
            "calls": calls,
            "figures": _figures(calls.now, calls.hour),
            "labels": LABELS,
            "may_explain": may(request, "did_info"),
            "may_copy": may(request, "copy_did"),
            "sees_callers": may(request, "did_log_export"),
        }


def _figures(now: LiveCounts, hour: LiveCounts) -> list[tuple[str, int]]:
    """Return the figures above the tables, each with its name."""

    def of(*results: CallResult) -> int:
        return sum(hour.results.get(result, 0) for result in results)

    return [
        ("in the last minute", now.calls),
        ("in the last hour", hour.calls),
        ("taken by DIDs", of("routed", "logged")),
        ("fallen through", hour.fallen_through),
        ("refused by Asterisk", of("refused")),
        ("hung up before", of("hung_up")),
    ]
