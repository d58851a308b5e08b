"""``/reports/drift``: copies that differ from the DID that they were copied from, field by field."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Self

import orjson
from fastapi import Depends, Query, Request
from pydantic import Field
from sqlalchemy.engine import Connection
from starlette.responses import Response, StreamingResponse

from didier.domain import patterns
from didier.domain.drift import Against, Difference, Value
from didier.domain.fields import ROUTES, TAG_LONGEST
from didier.domain.spreadsheets import guarded
from didier.errors import Refusal
from didier.runtime.logins import Login
from didier.services.dids.origins import Drifted
from didier.services.reports import drift
from didier.services.reports.drift import DriftPage, DriftWanted
from didier.services.users.authentication import Caller
from didier.storage.dids.pages import Sort, place_kinds
from didier.web.api import cursors, problems, timestamps
from didier.web.api.answers import Answer
from didier.web.api.context import ApiContext, context_of
from didier.web.api.dids import SortKey
from didier.web.api.operations import Permission
from didier.web.api.paging import Page, page_answer
from didier.web.api.schemas import PAGE_DEFAULT, PAGE_MOST, Cursor, Limit, refusals
from didier.web.api.signed import Signed, signed_routes

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


def as_csv(page: Drift, first: bool) -> bytes:
    """Write a line for each field that differs, behind a header where the page is the *first*."""
    text = io.StringIO(newline="")  # the writer ends lines itself, by CR LF (RFC 4180, 2)
    writer = csv.writer(text)
    if first:
        writer.writerow(HEADER)
    for one in page.items:
        for name, differs in one.differs.items():
            cells = (one.did, one.description, one.source, name, differs.source, differs.copy)
            writer.writerow([guarded(cell) if isinstance(cell, str) else cell for cell in cells])
    return text.getvalue().encode()


def as_ndjson(page: Drift, first: bool) -> bytes:
    """Write each copy as JSON on a line of its own."""
    return b"".join(orjson.dumps(one) + b"\n" for one in page.items)


Encode = Callable[[Drift, bool], bytes]
WHOLE: Mapping[str, tuple[Encode, str]] = {
    "text/csv": (as_csv, "drift.csv"), "application/x-ndjson": (as_ndjson, "drift.ndjson"),
}  # fmt: skip
"""The types in which all of the report is sent, if they are asked for; and the name of the file."""


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
    responses={
        200: {
            "content": {kind: {"schema": {"type": "string"}} for kind in WHOLE},
            "description": "A page as JSON; all of the report as `text/csv` or `application/x-ndjson`",
        },
        **refusals(),
    },
)  # fmt: skip
async def report_drift(
    request: Request,
    login: Signed,
    chosen: Annotated[DriftWanted, Depends(wanted)],
    sort: Annotated[SortKey, Query(description="Field to sort by; descending with `-`")] = "did_pattern",
    limit: Limit = PAGE_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """List copies that differ from the DID that they were copied from, field by field.

    A page may be short, or empty, though another follows: many DIDs have been looked at for it then. By the
    header `Accept` all of the report comes as CSV or as JSON lines.
    """
    sorting = Sort(sort.removeprefix("-"), sort.startswith("-"))
    after = cursors.read(cursor, sort, place_kinds(sorting))
    kind = next((kind for kind in WHOLE if kind in request.headers.get("accept", "")), None)
    report = _Report(context_of(request), chosen, sorting)
    if kind is not None:
        return await _whole(request, login, report, kind)

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = drift.page(conn, caller, chosen, sorting, limit, after)
        return found if isinstance(found, Refusal) else page_answer(request, Drift.of(found, sort))

    return await context_of(request).read(request, login, PERMISSION, read)


@dataclass(frozen=True, slots=True)
class _Report:
    """A report that is sent as a whole, page by page."""

    context: ApiContext
    chosen: DriftWanted
    sort: Sort

    async def page(self, caller: Caller, after: list[str | int] | None) -> DriftPage | Refusal:
        return await self.context.on_reader(
            lambda conn: drift.page(conn, caller, self.chosen, self.sort, PAGE_MOST, after)
        )

    async def pieces(self, caller: Caller, page: DriftPage, encode: Encode) -> AsyncIterator[bytes]:
        """Yield the pages; one that cannot be read breaks the answer off: a part is not taken for all."""
        yield encode(Drift.of(page, ""), True)
        while page.following is not None:
            following = await self.page(caller, page.following)
            if isinstance(following, Refusal):
                raise following
            page = following
            yield encode(Drift.of(page, ""), False)


async def _whole(request: Request, login: Login, report: _Report, kind: str) -> Response:
    caller = await report.context.authorize_and_log(request, login, PERMISSION, always=True)
    if isinstance(caller, Response):
        return caller
    first = await report.page(caller, None)
    if isinstance(first, Refusal):
        return problems.refusal(first).response
    encode, name = WHOLE[kind]
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(report.pieces(caller, first, encode), headers=headers, media_type=kind)
