"""``/checks``: DIDs with which something is wrong, and what."""

from dataclasses import dataclass
from typing import Annotated, Self

from fastapi import Query, Request
from pydantic import Field
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.domain import checks as rules
from didier.errors import Refusal
from didier.services.dids import checks
from didier.services.dids.check_shapes import DidFinding
from didier.services.dids.checks import CheckedDids
from didier.services.users.authentication import Caller
from didier.storage.dids.pages import Sort, place_kinds
from didier.web.api import cursors
from didier.web.api.answers import Answer
from didier.web.api.context import context_of
from didier.web.api.dids import READ
from didier.web.api.operations import Permission
from didier.web.api.paging import Page, page_answer
from didier.web.api.schemas import PAGE_DEFAULT, Cursor, Limit, refusals
from didier.web.api.signed import Signed, signed_routes

router = signed_routes("/checks", "dids")

ORDER = "check"
"""What cursors of this list begin with."""


@dataclass
class CheckedDid:
    """A DID with which something is wrong."""

    did: Annotated[str, Field(description="Its pattern")]
    description: str | None
    findings: list[DidFinding]


@dataclass
class Checks(Page):
    """A page of what is wrong with DIDs, by pattern."""

    items: list[CheckedDid]

    @classmethod
    def of(cls, found: CheckedDids) -> Self:
        """Return a page as the API shows it."""
        items = [
            CheckedDid(
                str(one.row["did_pattern"]),
                _text(one.row["did_description"]),
                [*map(DidFinding.of, one.findings)],
            )
            for one in found.dids
        ]
        return cls(items, cursors.write(ORDER, found.following) if found.following else None)


def _text(value: str | int | None) -> str | None:
    return None if value is None else str(value)


@router.get(
    "", operation_id="checkDids", summary="List what is wrong with DIDs", response_model=Checks,
    responses=refusals(),
)  # fmt: skip
async def check_dids(
    request: Request,
    login: Signed,
    kind: Annotated[rules.Kind | None, Query(description="Findings of this kind alone")] = None,
    limit: Limit = PAGE_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """List the DIDs that the caller sees and with which something is wrong, with the findings of each."""
    after = cursors.read(cursor, ORDER, place_kinds(Sort()))
    own = context_of(request).dialplan_contexts

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = checks.page(conn, caller, kind, own, limit, after)
        return found if isinstance(found, Refusal) else page_answer(request, Checks.of(found))

    return await context_of(request).read(request, login, Permission("list_dids", READ, kind or ""), read)
