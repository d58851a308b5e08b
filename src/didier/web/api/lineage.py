"""``/dids/{pattern}/lineage``: what a DID was copied from, and what was copied from it."""

from dataclasses import dataclass
from typing import Annotated, Self

from fastapi import Request
from pydantic import Field
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.errors import Refusal
from didier.services.dids import lineage
from didier.services.dids.lineage import Ancestor
from didier.services.users.authentication import Caller
from didier.storage.dids.pages import Sort, place_kinds
from didier.web.api import cursors, timestamps
from didier.web.api.answers import Answer
from didier.web.api.context import context_of
from didier.web.api.dids import READ, Pattern
from didier.web.api.operations import Permission
from didier.web.api.paging import Page, page_answer
from didier.web.api.schemas import PAGE_DEFAULT, Cursor, Limit, refusals
from didier.web.api.signed import Signed, signed_routes

router = signed_routes("/dids/{pattern}/lineage", "dids")

ORDER = "lineage"
"""What cursors of copies begin with."""


@dataclass
class SourceDid:
    """A DID from which the one before it was copied."""

    did: Annotated[str | None, Field(description="Its pattern; null: it does not exist any more")]
    copied_as: Annotated[str, Field(description="The pattern that it had then")]
    copied_at: str
    batch: int | None

    @classmethod
    def of(cls, one: Ancestor) -> Self:
        """Return a source as the API shows it."""
        at = timestamps.zoned(one.origin.copied_at)
        return cls(one.pattern, one.origin.source, at, one.origin.batch_id or None)


@dataclass
class CopyOfDid:
    """A copy of the DID."""

    did: str
    description: str | None
    copies: Annotated[int, Field(description="How many copies it has itself")]


@dataclass
class Lineage(Page):
    """What a DID was copied from, and a page of its copies by pattern."""

    did: str
    sources: Annotated[
        list[SourceDid],
        Field(description="The nearest first, each copied from the next; what is not seen ends it"),
    ]
    copies: Annotated[int, Field(description="How many copies it has")]
    items: list[CopyOfDid]
    next: str | None

    @classmethod
    def of(cls, found: lineage.Lineage) -> Self:
        """Return a lineage as the API shows it."""
        rows = [(str(row["did_pattern"]), row["did_description"]) for row in found.copies.rows]
        items = [
            CopyOfDid(pattern, None if text is None else str(text), found.copies_of.get(pattern, 0))
            for pattern, text in rows
        ]
        following = found.copies.following
        return cls(
            did=found.pattern,
            sources=list(map(SourceDid.of, found.sources)),
            copies=found.total,
            items=items,
            next=cursors.write(ORDER, following) if following else None,
        )


@router.get(
    "", operation_id="getLineage", summary="Show the lineage of a DID", response_model=Lineage,
    responses=refusals(404),
)  # fmt: skip
async def get_lineage(
    request: Request, login: Signed, pattern: Pattern, limit: Limit = PAGE_DEFAULT, cursor: Cursor = None
) -> Response:
    """Show what a DID was copied from, back to the first, and its copies with the number of theirs."""
    after = cursors.read(cursor, ORDER, place_kinds(Sort()))

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = lineage.tree(conn, caller, pattern, limit, after)
        return found if isinstance(found, Refusal) else page_answer(request, Lineage.of(found))

    return await context_of(request).read(request, login, Permission("did_info", READ, pattern), read)
