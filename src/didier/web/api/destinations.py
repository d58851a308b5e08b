"""``/in-groups``, ``/call-menus``, ``/phones`` and ``/servers``: what DIDs lead to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.domain.destinations import CALL_MENU, IN_GROUP, PHONE, SERVER, Kind
from didier.errors import Refusal
from didier.services.dids import destinations
from didier.services.dids.destination_orders import AddDestination, DeleteDestination, UpdateDestination
from didier.services.users.authentication import Caller
from didier.storage.dids.destination_rows import OPTION_COLUMNS, Destination, Option
from didier.web.api import answers, cursors
from didier.web.api import destination_models as models
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
    Responses,
    refusals,
)
from didier.web.api.signed import Signed, requires, signed_routes

READ, WRITE = "dids:read", "dids:write"
UPDATE = Permission("update_did", WRITE)

Key = tuple[str, ...]
"""What tells a thing from others of its kind."""

Search = Annotated[
    str | None, Query(max_length=SEARCH_MOST, description="Part of what it is named by, or of its name")
]
Force = Annotated[bool, Query(description="Delete it even if DIDs or call menus lead there")]

_Part = Annotated[str, Path(min_length=1, max_length=100)]


def _group(group_id: _Part) -> Key:
    return (group_id,)


def _menu(menu_id: _Part) -> Key:
    return (menu_id,)


def _phone(extension: _Part, server_ip: _Part) -> Key:
    return extension, server_ip


def _server(server_id: _Part) -> Key:
    return (server_id,)


@dataclass(frozen=True, slots=True)
class _Resource:
    """A kind of things with its shapes, its names in the document, and how its key is read."""

    kind: Kind
    one: str
    many: str
    shown: type[BaseModel]
    page: type[Page]
    new: type[Body]
    change: type[Body]
    key: Callable[..., Key]


_RESOURCES = (
    _Resource(IN_GROUP, "InGroup", "InGroups", models.InGroup, models.InGroups, models.NewInGroup,
              models.InGroupChange, _group),
    _Resource(CALL_MENU, "CallMenu", "CallMenus", models.CallMenu, models.CallMenus, models.NewCallMenu,
              models.CallMenuChange, _menu),
    _Resource(PHONE, "Phone", "Phones", models.Phone, models.Phones, models.NewPhone, models.PhoneChange,
              _phone),
    _Resource(SERVER, "Server", "Servers", models.Server, models.Servers, models.NewServer,
              models.ServerChange, _server),
)  # fmt: skip


def to_json(thing: Destination) -> dict[str, Any]:
    """Return a thing as the API shows it."""
    return {**thing.values, "options": thing.options} if thing.kind.has_options else {**thing.values}


def _answer(thing: Destination, status: int = 200, **headers: str) -> Answer:
    return Answer(status, orjson.dumps(to_json(thing)), headers)


def _values(sent: Body) -> dict[str, str | None]:
    """Return the columns that were sent as the services take them."""
    values = {name: getattr(sent, name) for name in sent.model_fields_set if name != "options"}
    return {name: None if value is None else str(value) for name, value in values.items()}


def _options(sent: Body) -> list[Option] | None:
    """Return the options that were sent, None where there were none."""
    given: list[models.MenuOption] | None = getattr(sent, "options", None)
    if given is None or "options" not in sent.model_fields_set:
        return None
    return [{name: getattr(option, name) or "" for name in OPTION_COLUMNS} for option in given]


_POINTERS = dict.fromkeys(OPTION_COLUMNS, "/options")


def _router(resource: _Resource) -> APIRouter:
    """Return the routes of a kind."""
    kind = resource.kind
    router = signed_routes(f"/{kind.path}", "destinations")
    path = "".join(f"/{{{column}}}" for column in kind.key)
    _add_reading(router, resource, path)
    _add_writing(router, resource, path)
    return router


def _about(kind: Kind, key: Key) -> str:
    return f"{kind.name} {' on '.join(key)}"


def _add_reading(router: APIRouter, resource: _Resource, path: str) -> None:
    kind = resource.kind

    @router.get("", operation_id=f"list{resource.many}", summary=f"List {kind.name}s",
                response_model=resource.page, responses=refusals())  # fmt: skip
    async def list_them(
        request: Request,
        login: Signed,
        search: Search = None,
        limit: Limit = PAGE_DEFAULT,
        cursor: Cursor = None,
    ) -> Response:
        """List those that the caller sees, by what they are named by."""
        after = cursors.read(cursor, kind.path, (str,) * len(kind.key))

        def read(conn: Connection, caller: Caller) -> Answer | Refusal:
            found = destinations.page(conn, caller, kind, search or "", limit, after)
            if isinstance(found, Refusal):
                return found
            things, last = found
            following = cursors.write(kind.path, last) if last else None
            return page_answer(request, resource.page(list(map(to_json, things)), following))

        return await context_of(request).read(request, login, Permission("list_dids", READ, kind.name), read)

    @router.get(path, operation_id=f"get{resource.one}", summary=f"Show a {kind.name}",
                response_model=resource.shown, responses=refusals(404))  # fmt: skip
    async def get_one(
        request: Request, login: Signed, key: Annotated[Key, Depends(resource.key)]
    ) -> Response:
        """Show the columns that a call is routed by."""

        def read(conn: Connection, caller: Caller) -> Answer | Refusal:
            found = destinations.one(conn, caller, kind, key)
            return found if isinstance(found, Refusal) else _answer(found)

        permission = Permission("list_dids", READ, _about(kind, key))
        return await context_of(request).read(request, login, permission, read)


def _add_writing(router: APIRouter, resource: _Resource, path: str) -> None:
    kind, new, change = resource.kind, resource.new, resource.change
    made: Responses = {201: {"headers": {"Location": {"schema": {"type": "string"}}}}}

    @router.post("", operation_id=f"add{resource.one}", summary=f"Create a {kind.name}", status_code=201,
                 response_model=resource.shown, dependencies=[requires(UPDATE)],
                 responses={**made, **refusals(409, 415)})  # fmt: skip
    async def add(
        request: Request,
        login: Signed,
        body: new,  # type: ignore[valid-type]  # each kind has a shape of its own
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Create one; on a VICIdial's own database VICIdial's pages do that."""
        values, options = _values(body), _options(body) or ()
        key = tuple(str(values.get(column)) for column in kind.key)

        def serialize(conn: Connection, done: Destination) -> Answer:
            names = "/".join(quote(part, safe="") for part in done.key)
            return _answer(done, 201, location=f"{request.url.path}/{names}")

        operation = ApiOperation(
            UPDATE.about_that(_about(kind, key)),
            destinations.add,
            lambda caller: AddDestination(caller, kind, values, options),
            serialize,
            pointers=_POINTERS,
        )
        return await context_of(request).write(request, login, operation)

    @router.patch(path, operation_id=f"change{resource.one}", summary=f"Change a {kind.name}",
                  response_model=resource.shown, dependencies=[requires(UPDATE)],
                  responses=refusals(404, 409, 415))  # fmt: skip
    async def change_one(
        request: Request,
        login: Signed,
        key: Annotated[Key, Depends(resource.key)],
        body: change,  # type: ignore[valid-type]
    ) -> Response:
        """Set columns; those that are not named stay as they are."""
        values, options = _values(body), _options(body)
        operation = ApiOperation(
            UPDATE.about_that(_about(kind, key)),
            destinations.update,
            lambda caller: UpdateDestination(caller, kind, key, values, options),
            lambda _, done: _answer(done),
            subject=_subject(kind, key),
            pointers=_POINTERS,
        )
        return await context_of(request).write(request, login, operation)

    @router.delete(path, operation_id=f"delete{resource.one}", summary=f"Delete a {kind.name}",
                   status_code=204, response_class=Response, responses=refusals(404, 409))  # fmt: skip
    async def delete(
        request: Request,
        login: Signed,
        key: Annotated[Key, Depends(resource.key)],
        force: Force = False,
    ) -> Response:
        """Delete one; one that DIDs or call menus lead to by force alone."""
        operation = ApiOperation(
            UPDATE.about_that(_about(kind, key)),
            destinations.delete,
            lambda caller: DeleteDestination(caller, kind, key, force),
            answers.done,
            subject=_subject(kind, key),
        )
        return await context_of(request).write(request, login, operation)


def _subject(kind: Kind, key: Key) -> str:
    return _about(kind, key).lower()


ROUTERS = tuple(map(_router, _RESOURCES))
