"""How each page of the panel is opened, and what it needs. One missing fails a test."""

from dataclasses import dataclass

from starlette.routing import Route

from didier import errors
from didier.domain.destinations import KINDS
from didier.vicidial.functions import FUNCTIONS
from didier.web.admin.dashboard import PARTS, TILES
from didier.web.admin.page import Desk
from didier.web.admin.site import Site
from security.rule import ALLOWED, PARTLY, Need, Row, needs
from security.world import CALL, DAY, DID, EXTENSION, MARK, OTHER
from security.world import PARTS as NAMED


@dataclass(frozen=True)
class Opened(Row):
    """A page: its route is the name up to the comma, *path* what is opened where that has parts."""

    path: str = ""

    @property
    def route(self) -> str:
        """The route as the panel has it."""
        return self.name.partition(",")[0]


def routes(*, of_library: bool = False) -> list[str]:
    """Return the routes of the pages, or those of the library for its models, of which there are none."""
    found = [route.path for route in Site(_NO_DESK).app.routes if isinstance(route, Route)]
    return [path for path in found if ("{key}" in path or "{storage}" in path) == of_library]


_NO_DESK = Desk(None)  # type: ignore[arg-type]  # nothing is asked of it
_PART_MARKS = {"called": DID}
_ANY_PART = Need(any_of=tuple(dict.fromkeys(part.action for part in PARTS)))
_LISTED = needs("list_dids")
_CALLS = needs("did_log_export")
_MANAGED = needs("manage_webhooks")
_ANY_FUNCTION = Need(any_of=tuple(FUNCTIONS))


def _part(name: str, action: str) -> Opened:
    mark = _PART_MARKS.get(name)
    hidden = PARTLY if mark else ALLOWED
    return Opened(f"/dashboard/{{name}}, {name}", needs(action), hidden=hidden, mark=mark,
                  path=f"/dashboard/{name}")  # fmt: skip


PAGES_OPENED: tuple[Opened, ...] = (
    Opened("/live", _LISTED, hidden=PARTLY, mark=DID),
    Opened("/live/part", _LISTED, hidden=PARTLY, mark=DID),
    Opened("/", Need(api=False)),
    Opened("/dashboard", _ANY_PART),
    *(_part(part.name, part.action) for part in (*TILES, *PARTS)),
    Opened("/dids", needs("list_dids"), hidden=PARTLY, mark=MARK, path="/dids?search=777"),
    Opened("/checks", needs("list_dids"), hidden=PARTLY, mark=MARK),
    Opened("/reports", _CALLS),
    Opened("/reports/use", _CALLS, hidden=PARTLY, mark=DID),
    Opened("/reports/idle", _CALLS),
    Opened("/reports/unknown", _CALLS),
    Opened(
        "/reports/duplicates", _CALLS, hidden=PARTLY, mark=DID, path="/reports/duplicates?kind=destination",
    ),
    Opened("/reports/drift", _CALLS, hidden=PARTLY, mark=MARK),
    Opened("/dids/new", needs("list_dids", "add_did")),
    Opened("/did/{pattern}", needs("did_info"), hidden=errors.NotFound, mark=MARK, path=f"/did/{DID}"),
    Opened(
        "/did/{pattern}/edit", needs("did_info", "update_did"), hidden=errors.NotFound, mark=MARK,
        path=f"/did/{DID}/edit",
    ),
    Opened(
        "/did/{pattern}/route", needs("did_info"), hidden=errors.NotFound, mark=MARK, path=f"/did/{DID}/route"
    ),
    Opened(
        "/did/{pattern}/calls", needs("did_info", "did_log_export"), hidden=errors.NotFound, mark=CALL,
        path=f"/did/{DID}/calls?day={DAY}",
    ),
    Opened("/bulk", needs("list_dids", "update_did"), path="/bulk?action=activate&did=1"),
    Opened("/bulk, delete", needs("list_dids", "update_did", "delete_did"), path="/bulk?action=delete&did=1"),
    Opened("/copy", needs("copy_did"), hidden=PARTLY, mark=EXTENSION, path=f"/copy?source={DID}"),
    Opened("/batches", needs("list_dids"), hidden=PARTLY, mark=DID),
    Opened("/batches/{batch_id}", needs("list_dids"), hidden=errors.BatchNotFound, mark=DID,
           path="/batches/{copied}"),
    *(
        Opened(f"/{kind.path}", _LISTED, hidden=PARTLY, mark=MARK) for kind in KINDS
    ),
    Opened("/schedules", _LISTED, hidden=PARTLY, mark=OTHER),
    Opened("/schedules/new", needs("list_dids", "update_did")),
    Opened(
        "/schedule/{name}", _LISTED, hidden=errors.DestinationNotFound, mark=MARK, path=f"/schedule/{OTHER}"
    ),
    Opened("/gateways", _LISTED, hidden=PARTLY, mark=OTHER),
    Opened("/gateways/new", needs("list_dids", "update_did")),
    Opened(
        "/gateway/{name}", _LISTED, hidden=errors.DestinationNotFound, mark=MARK, path=f"/gateway/{OTHER}"
    ),
    *(Opened(f"/{kind.path}/new", needs("list_dids", "update_did")) for kind in KINDS),
    *(
        Opened(
            "/".join((f"/{kind.page}", *(f"{{{column}}}" for column in kind.key))), _LISTED,
            hidden=errors.DestinationNotFound, mark=MARK,
            path="/".join((f"/{kind.page}", *(NAMED[column] for column in kind.key))),
        )
        for kind in KINDS
    ),
    Opened(
        "/users", needs("user_details"), hidden=PARTLY, higher=ALLOWED, further=ALLOWED,
        mark=f"{OTHER} {MARK}",
    ),
    Opened("/users/new", needs("user_details", "add_user")),
    Opened(
        "/user/{name}", needs("user_details"), hidden=errors.UserNotFound, higher=ALLOWED, further=ALLOWED,
        mark=f"{OTHER} {MARK}",
        path=f"/user/{OTHER}",
    ),
    Opened(
        "/user/{name}/losses", needs("user_details"), hidden=errors.UserNotFound, higher=ALLOWED,
        further=ALLOWED, path=f"/user/{OTHER}/losses?changes=%7B%7D",
    ),
    Opened("/log", needs("api_log"), hidden=PARTLY, mark=MARK, path=f"/log?user={OTHER}"),
    Opened("/changes", needs("api_log"), hidden=PARTLY, mark=MARK, path=f"/changes?user={OTHER}"),
    Opened("/profile", Need(api=False), mark="caller"),
    Opened("/webhooks", _MANAGED, hidden=PARTLY, mark=MARK),
    Opened("/webhooks/new", _MANAGED),
    Opened(
        "/webhook/{webhook_id}", _MANAGED, hidden=errors.WebhookNotFound, mark=MARK, path="/webhook/{webhook}"
    ),
    Opened("/console", _ANY_FUNCTION),
    Opened("/console/postman.json", _ANY_FUNCTION, path="/console/postman.json?form=list_dids"),
    Opened("/choices", needs("list_dids"), hidden=PARTLY, mark=MARK, path="/choices?of=DID&search=777"),
    Opened("/choices/check", needs("list_dids"), path="/choices/check?column=did_active&value=Y"),
)  # fmt: skip
"""Every page, and every part of one that asks for other rights."""
