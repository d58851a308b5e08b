"""``/reports/duplicates``: DIDs that are one number, are set up alike, or lead to one destination."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Literal, Self

from fastapi import Depends, Query, Request
from pydantic import Field
from sqlalchemy.engine import Connection
from starlette.responses import Response, StreamingResponse

from didier.domain.duplicate_kinds import FIELDS, FIELDS_MOST, Kind
from didier.domain.fields import ROUTES, TAG_LONGEST
from didier.domain.patterns import MAX_LENGTH
from didier.errors import NotPermitted, Refusal
from didier.services.reports import duplicate_groups, duplicates
from didier.services.reports.duplicate_groups import COLUMNS, SHOWN, ShownGroup
from didier.services.reports.duplicates import Found, Wanted
from didier.services.users.authentication import Caller
from didier.web.api import cursors, problems, whole_reports
from didier.web.api.context import ApiContext, context_of
from didier.web.api.cursors import Place
from didier.web.api.exports import Encode, as_csv, as_ndjson
from didier.web.api.operations import Permission
from didier.web.api.paging import Page, page_answer
from didier.web.api.reports import SCOPE
from didier.web.api.schemas import Cursor, refusals
from didier.web.api.signed import Signed, signed_routes
from didier.web.api.timestamps import ZonedText, zoned
from didier.web.api.whole_reports import MEDIA, WHOLE, Format

router = signed_routes("/reports", SCOPE)

PERMISSION = Permission(duplicates.ACTION, SCOPE)

PAGE, PAGE_MOST = 20, 200
"""How many groups a page has, and may have: each with the first DIDs of it."""

_ENCODE: Mapping[str, Encode] = {"csv": partial(as_csv, names=COLUMNS), "ndjson": as_ndjson}

PLACE = (int, int)
"""The types of the values of a place in the list of groups."""

SortKey = Literal["-count", "count", "did_id", "-did_id"]


@dataclass(frozen=True, slots=True)
class Counted:
    """What was found, and when."""

    found: Found
    at: datetime


async def find(context: ApiContext, caller: Caller, wanted: Wanted, *, anew: bool) -> Counted | NotPermitted:
    """Look for duplicates, or return what was found within the last minute for who sees the same.

    *anew*: only one of now will do. Other requests are answered between the steps of the search.
    """
    search = duplicates.search(caller, wanted, context.region)
    if isinstance(search, NotPermitted):
        return search

    async def make() -> Counted:
        at = datetime.now()
        while await context.on_reader(search.step):
            pass
        return Counted(search.found, at)

    counted: Counted = await context.duplicates.get((wanted, caller.visibility), make, anew=anew)
    return counted


@dataclass
class DuplicateDid:
    """A DID of a group."""

    did_id: int
    pattern: str
    description: str | None
    active: str | None
    destination: Annotated[str, Field(description="In words", examples=["in-group SALES"])]
    user_group: str | None


@dataclass
class SetupDifference:
    """A field in which DIDs differ from those that are set up in the usual way."""

    field: Annotated[str, Field(examples=["group_id"])]
    usual: str | int | None
    value: str | int | None


@dataclass
class SetupVariant:
    """DIDs that are nearly set up as the others of their group are."""

    count: int
    differences: list[SetupDifference]
    dids: Annotated[list[DuplicateDid], Field(description=f"The first {SHOWN}")]


@dataclass
class DuplicateGroup:
    """DIDs that are duplicates of each other."""

    name: Annotated[
        str,
        Field(
            description="The number with its country code, the destination, or the oldest number that is set"
            " up in the usual way",
            examples=["+18002223333", "IN_GROUP:SALES"],
        ),
    ]
    count: Annotated[int, Field(description="How many DIDs there are in all")]
    alike: Annotated[int, Field(description="How many of them are set up in the usual way, or `count`")]
    dids: Annotated[list[DuplicateDid], Field(description=f"The first {SHOWN} of these, the oldest first")]
    variants: Annotated[
        list[SetupVariant],
        Field(description=f"The others by what they differ in: the {SHOWN} with most DIDs"),
    ]
    near: Annotated[int, Field(description="Of how many variants these are")]

    @classmethod
    def of(cls, group: ShownGroup) -> Self:
        """Return a group as the API shows it."""
        return cls(**asdict(group))


@dataclass
class Duplicates(Page):
    """A page of groups of DIDs."""

    items: list[DuplicateGroup]
    groups: Annotated[int, Field(description="How many groups there are")]
    dids: Annotated[int, Field(description="How many DIDs are in these")]
    complete: Annotated[
        bool, Field(description="false: only the most common set-ups were compared with each other")
    ]
    at: Annotated[ZonedText, Field(description="When the DIDs were looked at")]


def order(kind: str, sort: str) -> str:
    """Return what cursors of the groups begin with."""
    return f"{kind} {sort}"


def wanted(
    kind: Annotated[Kind, Query(description="What is the same of the DIDs in a group")],
    fields: Annotated[
        int,
        Query(ge=0, le=FIELDS_MOST, description="In how many fields set-ups may differ, for `configuration`"),
    ] = FIELDS,
    user_group: Annotated[
        str | None, Query(max_length=20, description="Only groups with a DID of this user group")
    ] = None,
    route: Annotated[
        str | None, Query(description="With a DID of this `did_route`", pattern=f"^({'|'.join(ROUTES)})$")
    ] = None,
    prefix: Annotated[
        str | None, Query(max_length=MAX_LENGTH, description="With a DID whose pattern begins so")
    ] = None,
    tag: Annotated[
        str | None, Query(max_length=TAG_LONGEST, description="With a DID that has this tag")
    ] = None,
) -> Wanted:
    """Return which duplicates are wanted."""
    near = fields if kind == "configuration" else 0
    return Wanted(kind, near, user_group or None, route, prefix or None, tag or None)


@router.get(
    "/duplicates", operation_id="reportDuplicates", summary="DIDs that are duplicates",
    response_model=Duplicates,
    responses={**WHOLE, **refusals()},
)  # fmt: skip
async def report_duplicates(
    request: Request,
    login: Signed,
    chosen: Annotated[Wanted, Depends(wanted)],
    sort: Annotated[
        SortKey, Query(description="By the number of DIDs, or the id of the oldest; descending with `-`")
    ] = "-count",
    format: Format = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MOST, description="Most groups in the page")] = PAGE,
    cursor: Cursor = None,
) -> Response:
    """Find DIDs that the caller sees and that are duplicates of each other, in groups.

    All DIDs are looked at for a first page; the next ones are of what was found then, for a minute. A report
    as a whole has a line for each DID.
    """
    context = context_of(request)
    after = cursors.read(cursor, order(chosen.kind, sort), PLACE)
    form = whole_reports.asked(request, format)
    permission = PERMISSION.about_that(chosen.kind)
    caller = await context.authorize_and_log(request, login, permission, always=form is not None)
    if isinstance(caller, Response):
        return caller
    counted = await find(context, caller, chosen, anew=after is None)
    if isinstance(counted, Refusal):
        return problems.refusal(counted).response
    if form is None:
        return await _page(request, caller, counted, sort, limit, after)
    headers = {"content-disposition": f'attachment; filename="duplicates-{chosen.kind}.{form}"'}
    pieces = _pieces(context, caller, counted.found, form)
    return StreamingResponse(pieces, headers=headers, media_type=f"{MEDIA[form]}; charset=utf-8")


async def _page(
    request: Request, caller: Caller, counted: Counted, sort: SortKey, limit: int, after: Place | None
) -> Response:
    context, found = context_of(request), counted.found

    def read(conn: Connection) -> duplicate_groups.Page | NotPermitted:
        return duplicate_groups.page(conn, caller, found, context.region, sort, limit, after)

    page = await context.on_reader(read)
    if isinstance(page, NotPermitted):
        return problems.refusal(page).response
    following = cursors.write(order(found.kind, sort), page.following) if page.following else None
    groups = list(map(DuplicateGroup.of, page.groups))
    shape = Duplicates(groups, following, len(found.groups), found.dids, found.is_whole, zoned(counted.at))
    return page_answer(request, shape).response


async def _pieces(context: ApiContext, caller: Caller, found: Found, form: str) -> AsyncIterator[bytes]:
    """Yield an export piece by piece; one that cannot be read breaks the answer off."""
    encode, is_first = _ENCODE[form], True
    for piece in duplicate_groups.pieces(found):
        read = partial(
            duplicate_groups.exported, caller=caller, found=found, piece=piece, region=context.region
        )
        rows = await context.on_reader(read)
        if isinstance(rows, NotPermitted):
            raise rows
        yield encode(rows, is_first)
        is_first = False
