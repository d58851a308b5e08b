"""Orders whose body is a text: a table or a list, in which set of characters, and what is said beside it."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import Field
from starlette.responses import Response
from starlette.types import Receive

from didier.domain.drift import Action
from didier.domain.templates import Template
from didier.errors import InvalidField, InvalidInput
from didier.services.batches.order_text import Reading, Text, read_text
from didier.storage.batches import input_text
from didier.storage.batches.input_text import Packer
from didier.web.api import problems
from didier.web.api.texts import Pause

MAPPED_MOST = 50
"""Most columns of which an address says what becomes of them; a body in JSON may have all."""

TAGS_MOST = 250
"""Most tags that are added or removed at once: a DID has room for as many."""

FIELDS_MOST = 100
"""Most fields of which something is said at once: DIDs have fewer."""

IN_TEXT = "Only with a text body; in JSON it is part of the body"

MAPPING_HELP = (
    "What becomes of columns of the CSV, by header or place from 1: `number`, `first` and `last` of a range,"
    " a column of DIDs, `template` or `ignore`"
)
IGNORE_HELP = "Leave out the columns of the CSV that are not known"
NOWHERE_HELP = "Also where DIDs are active then and their calls lead nowhere"
ADD_TAGS_HELP = "Tags that each of them gets, beside those that it has"
REMOVE_TAGS_HELP = "Tags that are taken from each of them, in whatever case"
DRIFT_HELP = (
    "What becomes of what copies have otherwise than their source: `apply` sets it as in the source, `keep`"
    " makes it an exception of the copy"
)
DRIFT_FIELDS_HELP = "Only of these fields that differ, not of all"
IMPLAUSIBLE_HELP = "Include what is no telephone number: `s`, `default`, `*98`"

ColumnMapping = Annotated[
    list[Annotated[str, Field(max_length=100)]] | None,
    Query(max_length=MAPPED_MOST, description=f"`HEADER=FIELD`. {MAPPING_HELP}. {IN_TEXT}"),
]
IgnoreColumns = Annotated[bool, Query(description=f"{IGNORE_HELP}. {IN_TEXT}")]
AllowImplausible = Annotated[bool, Query(description=f"{IMPLAUSIBLE_HELP}. {IN_TEXT}")]
AllowNowhere = Annotated[bool, Query(description=f"{NOWHERE_HELP}. {IN_TEXT}")]

AddTags = Annotated[
    list[str] | None, Query(max_length=TAGS_MOST, description=f"{ADD_TAGS_HELP}; may be repeated. {IN_TEXT}")
]
DriftAction = Annotated[Action | None, Query(description=f"{DRIFT_HELP}. {IN_TEXT}")]
DriftFields = Annotated[
    list[str] | None,
    Query(max_length=FIELDS_MOST, description=f"{DRIFT_FIELDS_HELP}; may be repeated. {IN_TEXT}"),
]
RemoveTags = Annotated[
    list[str] | None,
    Query(max_length=TAGS_MOST, description=f"{REMOVE_TAGS_HELP}; may be repeated. {IN_TEXT}"),
]

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TEXT_TYPES = frozenset({"text/csv", "text/plain", "text/tab-separated-values", WORKBOOK})


def beside_json(request: Request) -> Response | None:
    """Refuse a parameter beside a body in JSON: what is meant as a dry run is not carried out."""
    name = next(iter(request.query_params), None)
    if name is None:
        return None
    return problems.answer(problems.INVALID, "This is part of the body.", pointer=name).response


@dataclass(frozen=True, slots=True)
class TextKind:
    """What a text body is, and the *charset* that it is said to be in."""

    media_type: str
    charset: str | None = None


def media_type(request: Request) -> str:
    """Return the media type of a request's body, in small letters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def text_kind(request: Request) -> TextKind:
    """Return what a text body is; raise `InvalidInput` for a charset that is not known."""
    message = Message()
    message["content-type"] = request.headers.get("content-type", "")
    charset = message.get_content_charset()
    if charset is not None and not input_text.is_charset(charset):
        raise InvalidInput(f"the charset {charset[:50]} is not known")
    return TextKind(media_type(request), charset)


async def parts(receive: Receive) -> AsyncIterator[bytes]:
    """Yield a body as it comes."""
    more = True
    while more:
        message = await receive()
        yield message.get("body", b"")
        more = message.get("more_body", False)


@dataclass(frozen=True, slots=True)
class Packed:
    """A text body, compressed in *pieces*; its *size* was so many bytes."""

    pieces: tuple[bytes, ...]
    size: int

    @property
    def content(self) -> bytes:
        """The pieces as one, by which two requests are the same."""
        return b"".join(self.pieces)


async def packed(request: Request) -> Packed:
    """Read a text body and compress it as it comes."""
    packer, size = Packer(), 0
    pieces: list[bytes] = []
    async for part in parts(request.receive):
        pieces += packer.add(part)
        size += len(part)
    return Packed((*pieces, packer.end()), size)


def text_of_body(
    pieces: Sequence[bytes],
    kind: TextKind,
    query: Mapping[str, Any],
    limit: int,
    pause: Pause,
    template: Template | None = None,
) -> Text:
    """Return the targets of a text body; *query* has what JSON has beside them. Raises a `Refusal`."""
    reading = Reading(
        is_table=kind.media_type != "text/plain",
        mapping=mapping_of(query["mapping"]),
        ignore=query["ignore_columns"],
        as_written=query["allow_implausible"],
        charset=kind.charset,
    )
    return read_text(pieces, limit, template, reading, pause=pause)


def mapping_of(items: Iterable[str] | None) -> dict[str, str]:
    """Return what becomes of columns of *items*, each ``HEADER=FIELD``; raise a `Refusal`."""
    return dict(map(_mapped, items or ()))


def _mapped(item: str) -> tuple[str, str]:
    header, sign, becomes = item.rpartition("=")
    if not sign:
        raise InvalidField("mapping", item, "HEADER=FIELD")
    return header.strip(), becomes.strip()


def set_values(items: Iterable[str]) -> dict[str, str | None]:
    """Return the values of *items*, each ``column=value``; raise a `Refusal`."""
    return dict(_override(item) for item in items)


def _override(item: str) -> tuple[str, str | None]:
    column, sign, value = item.partition("=")
    if not sign:
        raise InvalidField("set", item, "column=value")
    return column.strip(), value or None
