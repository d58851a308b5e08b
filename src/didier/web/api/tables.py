"""``/tables``: how a table of numbers is read, before anything is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Self

from fastapi import Request
from pydantic import Field
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.domain import tables
from didier.domain.columns import ROLES
from didier.domain.fields import BY_COLUMN
from didier.domain.tables import DELIMITERS, Layout
from didier.errors import InvalidInput
from didier.services.batches.order_text import Reading, looked_at
from didier.services.users import preferences
from didier.services.users.authentication import Caller
from didier.services.users.preferences import mapping_name
from didier.web.api import answers, problems
from didier.web.api.batches import WRITE
from didier.web.api.context import context_of
from didier.web.api.operations import Permission
from didier.web.api.schemas import refusals
from didier.web.api.signed import Signed, requires, signed_routes
from didier.web.api.text_bodies import TEXT_TYPES, ColumnMapping, TextKind, mapping_of, packed, text_kind
from didier.web.api.texts import Pause

router = signed_routes("/tables", "batches")

BECOMES = (*ROLES, *BY_COLUMN)
"""What may become of a column."""

LOOK = Permission("read_table", WRITE, checked=False, any_of=("copy_did", "add_did", "update_did"))


@dataclass
class TableColumn:
    """A column of a table."""

    header: Annotated[str, Field(description="As it is written; empty where there is none")]
    name: Annotated[str, Field(description="By which a template knows it")]
    becomes: Annotated[
        str,
        Field(
            description="`number`, `first` or `last` of a range, a column of DIDs, `template`, `ignore`;"
            " empty where it is not known"
        ),
    ]


@dataclass
class Table:
    """How a table is read."""

    delimiter: Annotated[str, Field(description="What divides its cells, in words")]
    has_header: Annotated[bool, Field(description="Whether a row names the columns")]
    above: Annotated[
        int, Field(description="How many rows stand above those of numbers, the header included")
    ]
    columns: list[TableColumn]
    name: Annotated[
        str | None, Field(description="Under which a `mapping` of these headers is remembered; null without")
    ]
    remembered: Annotated[
        dict[str, str] | None,
        Field(description="What became of the columns last time, by place; see `PUT /me/preferences`"),
    ]
    rows: Annotated[list[list[str]], Field(description=f"The first {tables.SAMPLE} rows, cell by cell")]

    @classmethod
    def of(cls, layout: Layout, remembered: Mapping[str, str] | None = None) -> Self:
        """Return how a table is written, and what is *remembered* of such a one."""
        return cls(
            DELIMITERS.get(layout.delimiter, layout.delimiter),
            layout.has_header,
            layout.above,
            [TableColumn(column.header, column.name, column.becomes) for column in layout.columns],
            _name(layout),
            dict(remembered) if remembered else None,
            [list(row) for row in layout.sample],
        )


@dataclass
class LookedAt:
    """What a text is: a table, or a list of numbers."""

    table: Annotated[Table | None, Field(description="Null where it is a list of numbers")]
    problem: Annotated[str | None, Field(description="What has to be said before it can be read")]


@router.post(
    "", operation_id="readTable", summary="See how a table is read", response_model=LookedAt,
    dependencies=[requires(LOOK)],
    openapi_extra={"requestBody": {"required": True, "content": {
        kind: {"schema": {"type": "string"}} for kind in sorted(TEXT_TYPES)}}},
    responses=refusals(415),
)  # fmt: skip
async def read_table(request: Request, login: Signed, mapping: ColumnMapping = None) -> Response:
    """Say which columns a table has, what becomes of each, and what its first rows are.

    Nothing is stored. With a `mapping` it is said what is then still to be said.
    """
    kind = text_kind(request)
    if kind.media_type not in TEXT_TYPES:
        return problems.answer(problems.NOT_JSON, "Send text/csv.").response
    caller = await context_of(request).authorize_and_log(request, login, LOOK)
    if isinstance(caller, Response):
        return caller
    sent = await packed(request)
    given = mapping_of(mapping)
    context = context_of(request)

    def look(pause: Pause) -> Layout | None:
        return looked_at(sent.pieces, _reading(kind, given), pause)

    layout = await context.parse(sent.size, look)
    if layout is None:
        return answers.json(LookedAt(None, None)).response
    remembered = await context.on_reader(lambda conn: _remembered(conn, caller, layout))
    return answers.json(LookedAt(Table.of(layout, remembered), _problem(layout))).response


def _name(layout: Layout) -> str | None:
    return mapping_name([column.header for column in layout.columns]) if layout.has_header else None


def _remembered(conn: Connection, caller: Caller, layout: Layout) -> Mapping[str, str] | None:
    """Return what became of columns with these headers, as far as that may be said of a column today."""
    name = _name(layout)
    found = preferences.value_of(conn, caller, preferences.MAPPING, name) if name else None
    places = {str(place) for place, _ in enumerate(layout.columns, 1)}
    known = (found or {}).items()
    return {place: str(becomes) for place, becomes in known if place in places and becomes in BECOMES} or None


def _reading(kind: TextKind, mapping: dict[str, str]) -> Reading:
    return Reading(is_table=kind.media_type != "text/plain", mapping=mapping, charset=kind.charset)


def _problem(layout: Layout) -> str | None:
    try:
        tables.check(layout, (), ignore=False)
    except InvalidInput as problem:
        return str(problem)
    return None
