"""``/dids``: single DIDs and lists of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, cast
from urllib.parse import quote

import orjson
from fastapi import Depends, Header, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, create_model
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.domain import number_cells, patterns
from didier.domain.checks import Sought
from didier.domain.fields import BY_COLUMN, ROUTES, TAG_LONGEST
from didier.errors import InvalidPattern, Refusal
from didier.runtime.logins import Login
from didier.services.batches import edits
from didier.services.batches.checks import Checks
from didier.services.changes import history
from didier.services.dids import lookup, nowhere
from didier.services.dids.lookup import Wanted
from didier.services.users.authentication import Caller
from didier.storage.dids.pages import Row, Sort, place_kinds
from didier.web.api import answers, cursors
from didier.web.api.answers import Answer
from didier.web.api.context import context_of
from didier.web.api.operations import ApiOperation, Permission
from didier.web.api.paging import Page, page_answer
from didier.web.api.schemas import (
    PAGE_DEFAULT,
    SEARCH_MOST,
    Body,
    Cursor,
    IdempotencyKey,
    Limit,
    refusals,
)
from didier.web.api.signed import Signed, requires, signed_routes
from didier.web.api.text_bodies import IMPLAUSIBLE_HELP, NOWHERE_HELP
from didier.web.api.timestamps import ZonedText, zoned

router = signed_routes("/dids", "dids")

READ, WRITE = "dids:read", "dids:write"
ADD, UPDATE = Permission("add_did", WRITE), Permission("update_did", WRITE)

Pattern = Annotated[
    str,
    Path(
        min_length=1,
        max_length=patterns.MAX_LENGTH,
        description="The DID's pattern, percent-encoded: `*99#` is `*99%23`",
        examples=["18001234567"],
    ),
]
CHOSEN_MOST = 1_000
"""Most DIDs that may be named one by one in a list or an export."""

SortKey = Literal["did_pattern", "-did_pattern", "did_id", "-did_id", "did_description", "-did_description"]
CheckKind = Annotated[
    Sought | None,
    Query(description="What is wrong with it: a kind of finding of `GET /checks`, or `any`"),
]
IfMatch = Annotated[
    str | None,
    Header(description="`ETag` of the DID as it was seen: a DID that was changed since is not changed"),
]


class Did(BaseModel):
    """A DID: all its columns in this database, what Didier knows besides, and what it was copied from."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "additionalProperties": {"type": ["string", "integer", "null"]},
            "example": {
                "did_id": 2,
                "did_pattern": "18002223333",
                "did_description": "Sales line",
                "did_active": "Y",
                "did_route": "IN_GROUP",
                "group_id": "SALES",
                "user_group": "---ALL---",
                "modify_stamp": "2026-03-04 05:06:07",
                "version": 3,
                "tags": "Berlin,vip",
                "copied_from": "18001234567",
                "nowhere": None,
            },
        },
    )

    did_id: int
    did_pattern: str
    did_description: str | None
    did_active: str | None
    did_route: str | None
    user_group: str | None = None
    version: int = Field(description="Raised by every change, also over a deletion that was undone")
    tags: str = Field(description="Divided by commas, in alphabetical order")
    copied_from: str | None = Field(description="Pattern of the DID that it was copied from")
    nowhere: str | None = Field(
        description="Why its calls lead nowhere; null: they lead somewhere, or it is not active"
    )


class AddedDid(Did):
    """A DID that was made."""

    reason: str | None = Field(description="What is odd about it: that the number exists in another spelling")


@dataclass
class Total:
    """How many DIDs there are in a list."""

    count: int
    exact: Annotated[bool, Field(description="false: about as many; ask for `total=exact`")]


@dataclass
class Dids(Page):
    """A page of a list of DIDs."""

    items: list[Did]
    total: Annotated[Total | None, Field(description="null: it was not asked for")]

    @classmethod
    def of(cls, rows: Sequence[Row], following: str | None, total: lookup.Total | None) -> Self:
        """Return a page of *rows*, which are sent as they were read: with all columns that there are."""
        counted = Total(total.count, total.is_exact) if total else None
        return cls(cast("list[Did]", rows), following, counted)


_COLUMNS: dict[str, Any] = {
    field.column: (
        StrictStr | StrictInt | None,
        Field(
            None,
            description=f"{field.help}. "
            + (f"Must be in `{field.refers_to}`. " if field.refers_to else "")
            + ("Cannot be emptied." if field.empty is None else "Null or an empty text empties it."),
        ),
    )
    for field in BY_COLUMN.values()
}

_Columns = create_model("_Columns", __base__=Body, **_COLUMNS)


class DidChange(_Columns):  # type: ignore[valid-type,misc]  # its fields are those of the table of fields
    """Columns of a DID to be set."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"did_active": "N", "did_description": "Closed for good"}}
    )

    allow_nowhere: StrictBool = Field(False, description=NOWHERE_HELP)


class NewDid(_Columns):  # type: ignore[valid-type,misc]
    """A DID to be made; columns that are not named get VICIdial's defaults."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "did_pattern": "18002223333",
                "did_description": "Sales line",
                "did_route": "EXTEN",
                "extension": "8300",
            }
        }
    )

    did_pattern: StrictStr = Field(
        max_length=100, description="A number, in whatever groups, or 2 to 50 of 0-9 A-Z a-z : + * # . _"
    )
    allow_implausible: StrictBool = Field(False, description=IMPLAUSIBLE_HELP)
    allow_nowhere: StrictBool = Field(False, description=NOWHERE_HELP)


def values_of(sent: BaseModel) -> dict[str, str | None]:
    """Return the columns that were sent as the services take them: None empties."""
    values = {column: getattr(sent, column) for column in BY_COLUMN if column in sent.model_fields_set}
    return {column: None if value is None else str(value) for column, value in values.items()}


def wanted(
    request: Request,
    search: Annotated[
        str | None,
        Query(max_length=SEARCH_MOST, description="Part of a number in any spelling, or of a description"),
    ] = None,
    route: Annotated[str | None, Query(description="`did_route`", pattern=f"^({'|'.join(ROUTES)})$")] = None,
    active: Annotated[Literal["Y", "N"] | None, Query(description="`did_active`")] = None,
    user_group: Annotated[str | None, Query(max_length=20)] = None,
    group_id: Annotated[str | None, Query(max_length=20, description="In-group")] = None,
    carrier: Annotated[
        str | None, Query(max_length=SEARCH_MOST, description="Part of `did_carrier_description`")
    ] = None,
    copied_from: Annotated[
        str | None, Query(max_length=patterns.MAX_LENGTH, description="Pattern of the DID that was copied")
    ] = None,
    destination: Annotated[
        str | None,
        Query(
            max_length=SEARCH_MOST,
            description="Part of where the route leads: in-group, call menu, extension, mailbox, agent",
        ),
    ] = None,
    tag: Annotated[str | None, Query(max_length=TAG_LONGEST, description="One of its tags")] = None,
    locked: Annotated[
        Literal["Y", "N"] | None, Query(description="Whether it is locked against deletion")
    ] = None,
    leads_nowhere: Annotated[
        Literal["Y", "N"] | None, Query(description="Whether it is active and its calls lead nowhere")
    ] = None,
    check: CheckKind = None,
    did: Annotated[
        list[str] | None,
        Query(max_length=CHOSEN_MOST, description="Pattern of a DID: of these alone; may be repeated"),
    ] = None,
) -> Wanted:
    """Return which DIDs are wanted, for lists and exports."""
    return Wanted(
        search,
        route,
        active,
        user_group,
        group_id,
        carrier,
        copied_from,
        destination,
        tag,
        did or None,
        locked,
        leads_nowhere,
        check,
        context_of(request).dialplan_contexts,
    )


@router.get("", operation_id="listDids", summary="List DIDs", response_model=Dids, responses=refusals())
async def list_dids(
    request: Request,
    login: Signed,
    chosen: Annotated[Wanted, Depends(wanted)],
    sort: Annotated[SortKey, Query(description="Field to sort by; descending with `-`")] = "did_pattern",
    total: Annotated[
        Literal["estimated", "exact"] | None,
        Query(description="Count the list too; `exact` takes a while where there are hundreds of thousands"),
    ] = None,
    limit: Limit = PAGE_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """List the DIDs that the caller sees, page by page."""
    sorting = Sort(sort.removeprefix("-"), sort.startswith("-"))
    after = cursors.read(cursor, sort, place_kinds(sorting))

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = lookup.page(conn, caller, chosen, sorting, limit, after)
        if isinstance(found, Refusal):
            return found
        counted = lookup.total(conn, caller, chosen, exact=total == "exact") if total else None
        if isinstance(counted, Refusal):
            return counted
        following = cursors.write(sort, found.following) if found.following else None
        return page_answer(request, Dids.of(nowhere.told(conn, found.rows), following, counted))

    return await context_of(request).read(
        request, login, Permission("list_dids", READ, chosen.search or ""), read
    )


_ETAG = {"ETag": {"description": "Mark of this state of the DID", "schema": {"type": "string"}}}


def did_answer(conn: Connection, row: Row) -> Answer:
    """Return the answer that shows a DID: its row as it was read, with all columns that there are."""
    return Answer(200, orjson.dumps(_shown(conn, row)), _mark(row))


def _shown(conn: Connection, row: Row) -> Row:
    [shown] = nowhere.told(conn, [row])
    return shown


def _mark(row: Row) -> dict[str, str]:
    return {"etag": f'"{lookup.version(row)}"'}


@router.get(
    "/{pattern}", operation_id="getDid", summary="Show a DID", response_model=Did,
    responses={200: {"headers": _ETAG}, **refusals(404)},
)  # fmt: skip
async def get_did(request: Request, login: Signed, pattern: Pattern) -> Response:
    """Show all columns of a DID."""

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        row = lookup.one(conn, caller, pattern)
        return row if isinstance(row, Refusal) else did_answer(conn, row)

    return await context_of(request).read(request, login, Permission("did_info", READ, pattern), read)


@router.post(
    "", operation_id="addDid", summary="Create a DID", status_code=201, response_model=AddedDid,
    dependencies=[requires(ADD)],
    responses={201: {"headers": {**_ETAG, "Location": {"schema": {"type": "string"}}}}, **refusals(409, 415)},
)  # fmt: skip
async def add_did(
    request: Request,
    login: Signed,
    body: NewDid,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Create a DID without copying another."""
    pattern = _pattern_of(body)
    values = values_of(body)
    checks = Checks(not body.allow_implausible, context_of(request).region, not body.allow_nowhere)

    def serialize(conn: Connection, done: edits.Done) -> Answer:
        return _made(conn, request, lookup.written(conn, done.did_id, done.sight), done.note)

    operation = ApiOperation(
        ADD.about_that(pattern),
        edits.add,
        lambda caller: edits.AddOrder(caller, pattern, values, checks=checks),
        serialize,
        pointers={"pattern": "/did_pattern"},
    )
    return await context_of(request).write(request, login, operation)


def _pattern_of(body: NewDid) -> str:
    """Return the number that a body names; raise `InvalidPattern` unless it is one."""
    reader = number_cells.as_it_stands if body.allow_implausible else number_cells.read
    found = reader(body.did_pattern)
    [target, *more] = found.targets or [""]
    if more or not isinstance(target, str):
        raise InvalidPattern(body.did_pattern, "it is more than one number")
    return target or body.did_pattern


def _made(conn: Connection, request: Request, row: Row, note: str) -> Answer:
    pattern = quote(str(row["did_pattern"]), safe="")
    body = orjson.dumps({**_shown(conn, row), "reason": note or None})
    return Answer(201, body, {**_mark(row), "location": f"{request.url.path}/{pattern}"})


@router.patch(
    "/{pattern}", operation_id="changeDid", summary="Change a DID", response_model=Did,
    dependencies=[requires(UPDATE)],
    responses={200: {"headers": _ETAG}, **refusals(404, 409, 412, 415)},
)  # fmt: skip
async def change_did(
    request: Request,
    login: Signed,
    pattern: Pattern,
    body: DidChange,
    if_match: IfMatch = None,
) -> Response:
    """Set columns of a DID; those that are not named stay as they are."""
    values, checks = values_of(body), Checks(leading=not body.allow_nowhere)

    def serialize(conn: Connection, done: edits.Done) -> Answer:
        return did_answer(conn, lookup.written(conn, done.did_id, done.sight))

    operation = ApiOperation(
        UPDATE.about_that(pattern),
        edits.update,
        lambda caller: edits.UpdateOrder(caller, pattern, values, etag=_etag(if_match), checks=checks),
        serialize,
    )
    return await context_of(request).write(request, login, operation)


@router.delete(
    "/{pattern}", operation_id="deleteDid", summary="Delete a DID", status_code=204,
    response_class=Response, responses=refusals(404, 409, 412),
)  # fmt: skip
async def delete_did(
    request: Request,
    login: Signed,
    pattern: Pattern,
    force: Annotated[bool, Query(description="Delete it even if it is protected or in use")] = False,
    if_match: IfMatch = None,
) -> Response:
    """Delete a DID."""
    operation = ApiOperation(
        Permission("delete_did", WRITE, pattern),
        edits.delete,
        lambda caller: edits.DeleteOrder(caller, pattern, force, etag=_etag(if_match)),
        answers.done,
    )
    return await context_of(request).write(request, login, operation)


def _etag(if_match: str | None) -> str | None:
    """Return the mark that a DID must have; None for any.

    A weak mark (``W/"…"``) is none that a change may rely on (RFC 9110, 13.1.1): it is the mark of no DID.
    """
    tag = (if_match or "*").strip()
    if tag == "*":
        return None
    return tag[1:-1] if len(tag) > 1 and tag[0] == tag[-1] == '"' else ""


_Image = Mapping[str, str | int | None]


@dataclass
class Change:
    """A change of a DID."""

    when: ZonedText
    user: str
    address: str
    action: Annotated[str, Field(description="copied, added, updated, deleted, undone or restored")]
    batch_id: Annotated[int | None, Field(description="null: it was in none")]
    source: Annotated[str | None, Field(description="Pattern of the DID that was copied")]
    before: Annotated[_Image | None, Field(description="The row before, as far as known; null if none")]
    after: Annotated[_Image | None, Field(description="The row after; null if there is none")]
    outside: Annotated[bool, Field(description="Made outside Didier, and found at the time in *when*")]
    version: Annotated[int | None, Field(description="Of the DID from then on; null if not known")]

    @classmethod
    def of(cls, change: history.HistoryEntry) -> Self:
        """Return a change as the API shows it."""
        return cls(
            zoned(change.when),
            change.user,
            change.address,
            change.action,
            change.batch_id,
            change.source,
            change.before,
            change.after,
            change.is_outside,
            change.version,
        )


@dataclass
class History(Page):
    """A page of the changes of a DID, the newest first."""

    items: list[Change]
    next: str | None


@router.get(
    "/{pattern}/history", operation_id="getDidHistory", summary="History of a DID", response_model=History,
    responses=refusals(404),
)  # fmt: skip
async def get_history(
    request: Request, login: Signed, pattern: Pattern, limit: Limit = PAGE_DEFAULT, cursor: Cursor = None
) -> Response:
    """Show what was changed in a DID, and by whom; also of one that is deleted."""
    after = cursors.read(cursor, "history", (str,))

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = history.history(conn, caller, pattern, limit + 1, str(after[0]) if after else None)
        if isinstance(found, Refusal):
            return found
        following = cursors.write("history", [found[limit - 1].cursor]) if len(found) > limit else None
        return page_answer(request, History(list(map(Change.of, found[:limit])), following))

    return await context_of(request).read(request, login, Permission("did_info", READ, pattern), read)


@router.put(
    "/{pattern}/lock", operation_id="lockDid", summary="Lock a DID against deletion", status_code=204,
    response_class=Response, responses=refusals(404),
)  # fmt: skip
async def lock_did(request: Request, login: Signed, pattern: Pattern) -> Response:
    """Lock a DID: it cannot be deleted, not even by force, until it is unlocked."""
    return await _lock(request, login, pattern, locked=True)


@router.delete(
    "/{pattern}/lock", operation_id="unlockDid", summary="Unlock a DID", status_code=204,
    response_class=Response, responses=refusals(404),
)  # fmt: skip
async def unlock_did(request: Request, login: Signed, pattern: Pattern) -> Response:
    """Unlock a DID, so that it can be deleted again."""
    return await _lock(request, login, pattern, locked=False)


async def _lock(request: Request, login: Login, pattern: str, *, locked: bool) -> Response:
    operation = ApiOperation(
        UPDATE.about_that(pattern),
        edits.lock,
        lambda caller: edits.LockOrder(caller, pattern, locked),
        answers.done,
    )
    return await context_of(request).write(request, login, operation)
