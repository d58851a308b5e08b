"""``/reports/drift``: copies that differ from the DID that they were copied from, field by field."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Self

from fastapi import Depends, Query, Request
from pydantic import Field
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.domain import patterns
from didier.domain.drift import Against, Difference, Value
from didier.domain.fields import ROUTES, TAG_LONGEST
from didier.errors import Refusal
from didier.services.dids.origins import Drifted
from didier.services.reports import drift
from didier.services.reports.drift import DriftPage, DriftWanted
from didier.services.users.authentication import Caller
from didier.storage.dids.pages import Sort, place_kinds
from didier.web.api import cursors, timestamps, whole_reports
from didier.web.api.answers import Answer
from didier.web.api.context import context_of
from didier.web.api.dids import SortKey
from didier.web.api.operations import Permission
from didier.web.api.paging import Page, page_answer
from didier.web.api.schemas import PAGE_DEFAULT, PAGE_MOST, Cursor, Limit, refusals
from didier.web.api.signed import Signed, signed_routes
from didier.web.api.whole_reports import WHOLE, Format, Piece, Report

router = signed_routes("/reports/drift", "reports")

PERMISSION = Permission("did_log_export", "reports", "drift")

HEADER = ("did_pattern", "did_description", "copied_from", "field", "source_value", "value")
"""The columns of the report as CSV, which has a line for each field."""


@dataclass
class FieldDrift:
    """A field as the source and as the copy has it."""

    source: str | int | None
    copy: str | int | None

    @classmethod
    def of(cls, one: Difference) -> Self:
        """Return a difference as the API shows it."""
        return cls(one.source, one.copy)


@dataclass
class DriftedDid:
    """A copy that differs from its source."""

    did: Annotated[str, Field(description="Its pattern")]
    description: str | None
    source: Annotated[str, Field(description="Pattern of the DID that it was copied from")]
    copied_at: str
    batch: Annotated[int | None, Field(description="By which it was copied")]
    differs: Annotated[
        dict[str, FieldDrift],
        Field(description="By field; without what it was given when it was copied, and its `exceptions`"),
    ]

    @classmethod
    def of(cls, one: Drifted) -> Self:
        """Return a copy as the API shows it."""
        return cls(
            str(one.row["did_pattern"]),
            _text(one.row.get("did_description")),
            one.source,
            timestamps.zoned(one.origin.copied_at),
            one.origin.batch_id or None,
            {name: FieldDrift.of(differs) for name, differs in one.differs.items()},
        )


@dataclass
class Drift(Page):
    """A page of copies that differ from their source; it may be empty though another follows."""

    items: list[DriftedDid]

    @classmethod
    def of(cls, found: DriftPage, sort: str) -> Self:
        """Return a page as the API shows it."""
        items = list(map(DriftedDid.of, found.dids))
        return cls(items, cursors.write(sort, found.following) if found.following else None)


def _text(value: Value) -> str | None:
    return None if value is None else str(value)


def _rows(page: Drift, *, is_table: bool) -> list[dict[str, Any]]:
    """Return the copies of a page as rows; in a table a row for each field that differs."""
    if not is_table:
        return [asdict(one) for one in page.items]
    return [
        dict(zip(HEADER, (one.did, one.description, one.source, name, each.source, each.copy), strict=True))
        for one in page.items
        for name, each in one.differs.items()
    ]


def wanted(
    against: Annotated[
        Against, Query(description="Compare with the source as it is `now`, or as it was `then`, when copied")
    ] = "now",
    source: Annotated[
        str | None,
        Query(max_length=patterns.MAX_LENGTH, description="Only copies of the DID with this pattern"),
    ] = None,
    user_group: Annotated[str | None, Query(max_length=20)] = None,
    route: Annotated[str | None, Query(description="`did_route`", pattern=f"^({'|'.join(ROUTES)})$")] = None,
    prefix: Annotated[
        str | None, Query(max_length=patterns.MAX_LENGTH, description="How the patterns of the copies begin")
    ] = None,
    tag: Annotated[str | None, Query(max_length=TAG_LONGEST, description="One of its tags")] = None,
) -> DriftWanted:
    """Return which copies are wanted."""
    return DriftWanted(against, source, user_group, route, prefix, tag)


@router.get(
    "", operation_id="reportDrift", summary="List copies that differ from their source",
    response_model=Drift,
    responses={**WHOLE, **refusals()},
)  # fmt: skip
async def report_drift(
    request: Request,
    login: Signed,
    chosen: Annotated[DriftWanted, Depends(wanted)],
    sort: Annotated[SortKey, Query(description="Field to sort by; descending with `-`")] = "did_pattern",
    format: Format = None,
    limit: Limit = PAGE_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """List copies that differ from the DID that they were copied from, field by field.

    A page may be short, or empty, though another follows: many DIDs have been looked at for it then. A report
    as a whole has, as CSV, a line for each field.
    """
    sorting = Sort(sort.removeprefix("-"), sort.startswith("-"))
    begin = cursors.read(cursor, sort, place_kinds(sorting))

    kind = whole_reports.asked(request, format)

    def piece(conn: Connection, caller: Caller, after: Any) -> Piece | Refusal:
        found = drift.page(conn, caller, chosen, sorting, PAGE_MOST, after)
        if isinstance(found, Refusal):
            return found
        return Piece(_rows(Drift.of(found, sort), is_table=kind == "csv"), found.following)

    if kind:
        report = Report("drift", HEADER, PERMISSION, piece)
        return await whole_reports.send(request, login, report, kind)

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = drift.page(conn, caller, chosen, sorting, limit, begin)
        return found if isinstance(found, Refusal) else page_answer(request, Drift.of(found, sort))

    return await context_of(request).read(request, login, PERMISSION, read)
