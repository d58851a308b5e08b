"""Reading what a request asks to be copied: JSON, CSV or plain text, into one `Text` of targets."""

import csv
import io
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError
from starlette.types import Receive

from didier.domain.fields import BY_COLUMN
from didier.domain.inputs import BLANK
from didier.domain.templates import LONGEST, Template
from didier.errors import InvalidField, InvalidInput
from didier.services.batches import Text, read_text, text_of
from didier.storage.inputs import Packer, pack
from didier.web.api.schemas import Body

Value = StrictStr | StrictInt | None

TARGETS_MOST = 100_000
"""Most entries of a list in JSON; each may be a range. Longer lists are sent as text."""


class Target(Body):
    """A target with values of its own."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": {
        "type": ["string", "integer", "null"]}})  # fmt: skip

    target: StrictStr = Field(max_length=110, description="Number, or range")


class CopyBody(Body):
    """A DID to be copied, and to what."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "source": "18001234567",
                "ranges": ["18002220000-18002220099", "7275550100-0199"],
                "overrides": {"did_active": "N"},
                "description_template": "Sales {target}",
                "mode": "atomic",
                "dry_run": True,
            }
        }
    )

    source: StrictStr = Field(min_length=1, max_length=100, description="Pattern of the DID to copy")
    targets: list[Annotated[StrictStr, Field(max_length=110)] | Target] = Field(
        default_factory=list,
        max_length=TARGETS_MOST,
        description="New DIDs: numbers, ranges, or objects with `target` and columns of its own",
    )
    ranges: list[Annotated[StrictStr, Field(max_length=110)]] = Field(
        default_factory=list, max_length=TARGETS_MOST, description="Ranges of new DIDs, both ends included"
    )
    csv: StrictStr | None = Field(
        None, description="The new DIDs as CSV: a header row names `target` and columns of DIDs"
    )
    overrides: dict[str, Value] = Field(
        default_factory=dict, description="Columns in which the copies differ from the source; null empties"
    )
    description_template: StrictStr | None = Field(
        None,
        min_length=1,
        max_length=LONGEST,
        description="Description of each copy: `{target}`, `{source}`, columns of the source or the CSV row",
    )
    mode: Literal["atomic", "best_effort"] = Field(
        "atomic", description="All or nothing, or what can be made"
    )
    dry_run: StrictBool = Field(False, description="Only say what would be made")


@dataclass(frozen=True, slots=True)
class Copying:
    """What a request asks to be copied."""

    source: str
    text: Text
    overrides: Mapping[str, str | None] = field(default_factory=dict)
    template: Template | None = None
    atomic: bool = True
    dry_run: bool = False


TEXT_TYPES = frozenset({"text/csv", "text/plain", "text/tab-separated-values"})


def media_type(request: Request) -> str:
    """Return the media type of a request's body, in small letters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def of_json(body: bytes, limit: int) -> Copying:
    """Read a JSON body; raise `RequestValidationError` or a `Refusal`."""
    try:
        sent = CopyBody.model_validate_json(body or b"null")
    except ValidationError as error:
        found = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]
        raise RequestValidationError(found) from None
    template = Template(sent.description_template) if sent.description_template else None
    return Copying(
        sent.source,
        _text(sent, limit, template),
        {column: _plain(value) for column, value in sent.overrides.items()},
        template,
        sent.mode == "atomic",
        sent.dry_run,
    )


def _plain(value: str | int | None) -> str | None:
    return None if value is None else str(value)


def _text(sent: CopyBody, limit: int, template: Template | None) -> Text:
    if sent.csv is not None:
        if sent.targets or sent.ranges:
            raise InvalidField("csv", "", "alone: it stands for targets and ranges")
        return read_text(list(pack([sent.csv.encode()])), limit, template, is_csv=True)
    objects = [target for target in sent.targets if isinstance(target, Target)]
    if not (sent.targets or sent.ranges):
        raise InvalidField("targets", "", "at least one target, range or csv")
    if not objects:
        return text_of([*map(str, sent.targets), *sent.ranges], limit)
    return read_text(list(pack(_rows(sent, objects))), limit, template, is_csv=True)


def _rows(sent: CopyBody, objects: Sequence[Target]) -> Iterator[bytes]:
    """Write targets with values of their own as CSV."""
    columns = sorted({column for target in objects for column in target.model_extra or {}})
    if unknown := [column for column in columns if column not in BY_COLUMN]:
        raise InvalidField(unknown[0], "", "a field of a DID")
    yield _line(["target", *columns])
    for target in [*sent.targets, *sent.ranges]:
        own = (target.model_extra or {}) if isinstance(target, Target) else {}
        name = target.target if isinstance(target, Target) else target
        yield _line([name, *(_cell(own, column) for column in columns)])


def _cell(own: Mapping[str, Any], column: str) -> str:
    if column not in own:
        return ""
    value = own[column]
    if not isinstance(value, str | int | None) or isinstance(value, bool):
        raise InvalidField(column, str(value)[:50], "a text, a number or null")
    return BLANK if value in {None, ""} else str(value)


def _line(cells: Sequence[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()


async def parts(receive: Receive) -> AsyncIterator[bytes]:
    """Yield a body as it comes."""
    more = True
    while more:
        message = await receive()
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def packed(request: Request) -> list[bytes]:
    """Read a text body and compress it as it comes."""
    packer = Packer()
    pieces: list[bytes] = []
    async for part in parts(request.receive):
        pieces += packer.add(part)
    return [*pieces, packer.end()]


def of_text(pieces: Sequence[bytes], kind: str, query: Mapping[str, Any], limit: int) -> Copying:
    """Read a text body; *query* has what JSON has beside the targets. Raises a `Refusal`."""
    template = Template(query["description_template"]) if query.get("description_template") else None
    try:
        text = read_text(pieces, limit, template, is_csv=True if kind == "text/csv" else None)
    except UnicodeDecodeError as error:
        raise InvalidInput("the text is not UTF-8") from error
    overrides = dict(_override(item) for item in query.get("set", ()))
    return Copying(query["source"], text, overrides, template, query["mode"] == "atomic", query["dry_run"])


def _override(item: str) -> tuple[str, str | None]:
    column, sign, value = item.partition("=")
    if not sign:
        raise InvalidField("set", item, "column=value")
    return column.strip(), value or None
