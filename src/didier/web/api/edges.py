"""``/edges``: agents beside SIP proxies, and how they stand."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Annotated, Self

from fastapi import Path, Request
from pydantic import ConfigDict, Field, StrictInt, StrictStr
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.domain.edges import (
    BEHIND_MOST,
    COUNT_MOST,
    DETAIL_MOST,
    NAME_RULE,
    NUMBER_MOST,
    SEEN_SECONDS,
    VERSION_MOST,
    Kamailio,
    Report,
)
from didier.services.changes import edges
from didier.services.changes.edges import DeleteEdge, ReportEdge, Standing
from didier.services.users.authentication import Caller
from didier.web.api import answers, cursors
from didier.web.api.answers import Answer
from didier.web.api.context import context_of
from didier.web.api.operations import ApiOperation, Permission
from didier.web.api.paging import Page, page_answer
from didier.web.api.schemas import PAGE_DEFAULT, Body, Cursor, Limit, refusals
from didier.web.api.signed import Signed, requires, signed_routes
from didier.web.api.timestamps import ZonedText, zoned

router = signed_routes("/edges", "edges")

# Whoever may follow changes may say how far they are: nothing but that is stored.
PERMISSION = Permission("list_dids", "dids:read", "edges", or_scope="changes:read")

Name = Annotated[str, Path(min_length=1, max_length=100, description=NAME_RULE)]
Count = Annotated[StrictInt, Field(ge=0, le=COUNT_MOST)]


class EdgeReport(Body):
    """How an edge stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"sequence": 4711, "numbers": 120_000, "kamailio": "connected", "version": "1.0"}
        }
    )

    sequence: StrictInt = Field(ge=0, le=NUMBER_MOST, description="Number of the change that it has done")
    numbers: Count = Field(description="How many numbers it knows")
    kamailio: Kamailio = Field(description="How the proxy beside it stands")
    version: StrictStr = Field("", max_length=VERSION_MOST, description="Its release")
    pending_calls: Count = Field(0, description="Calls of which it has not told yet")
    detail: StrictStr = Field("", max_length=DETAIL_MOST, description="In words, for people")


@dataclass
class EdgeShown:
    """An edge, and how it stands."""

    name: str
    user: Annotated[str, Field(description="Whose it is: who has reported last")]
    address: Annotated[str, Field(description="From where")]
    seen_at: Annotated[ZonedText, Field(description="When it has reported last")]
    is_connected: Annotated[
        bool,
        Field(description=f"Whether that was within {SEEN_SECONDS} seconds, by the server's clock"),
    ]
    behind: Annotated[
        int, Field(description=f"Changes that it has still to do; over {BEHIND_MOST:,}: people are told")
    ]
    sequence: int
    numbers: int
    kamailio: Kamailio
    version: str
    pending_calls: int
    detail: str

    @classmethod
    def of(cls, found: Standing) -> Self:
        """Return an edge as the API shows it."""
        edge = found.edge
        return cls(
            user=edge.user,
            address=edge.address,
            seen_at=zoned(edge.seen_at),
            is_connected=found.is_connected,
            behind=found.behind,
            **asdict(edge.report),
        )


@dataclass
class Edges(Page):
    """A page of edges, by name."""

    items: list[EdgeShown]


@router.get(
    "", operation_id="listEdges", summary="List edges", response_model=Edges, responses=refusals()
)  # fmt: skip
async def list_edges(
    request: Request, login: Signed, limit: Limit = PAGE_DEFAULT, cursor: Cursor = None
) -> Response:
    """List the caller's own; those who may manage webhooks see all."""
    place = cursors.read(cursor, "edges", (str,))
    after = str(place[0]) if place else ""

    def read(conn: Connection, caller: Caller) -> Answer:
        found = [one for one in edges.every(conn, caller, datetime.now()) if one.edge.name.lower() > after]
        following = None
        if len(found) > limit:
            following = cursors.write("edges", [found[limit - 1].edge.name.lower()])
        return page_answer(request, Edges([*map(EdgeShown.of, found[:limit])], following))

    return await context_of(request).read(request, login, PERMISSION, read)


@router.put(
    "/{name}", operation_id="reportEdge", summary="Say how an edge stands", response_model=EdgeShown,
    dependencies=[requires(PERMISSION)], responses=refusals(409, 415),
)  # fmt: skip
async def report_edge(request: Request, login: Signed, name: Name, body: EdgeReport) -> Response:
    """Store what an edge says of itself, as it does every 10 seconds. It is its user's from then on."""
    report = Report(name, **body.model_dump())
    operation = ApiOperation(
        replace(_about(name), routine=True),
        edges.report,
        lambda caller: ReportEdge(caller, report),
        lambda _, done: answers.json(EdgeShown.of(done)),
        subject=f"edge {name}".lower(),
        pointers={"name": "name"},
    )
    return await context_of(request).write(request, login, operation)


def _about(name: str) -> Permission:
    return PERMISSION.about_that(f"edge {name}")


@router.delete(
    "/{name}", operation_id="deleteEdge", summary="Forget an edge", status_code=204,
    response_class=Response, responses=refusals(404, 409),
)  # fmt: skip
async def delete_edge(request: Request, login: Signed, name: Name) -> Response:
    """Forget one that is no more; one that reports again is there again."""
    operation = ApiOperation(
        _about(name), edges.delete, lambda caller: DeleteEdge(caller, name), answers.done,
        subject=f"edge {name}".lower(),
    )  # fmt: skip
    return await context_of(request).write(request, login, operation)
