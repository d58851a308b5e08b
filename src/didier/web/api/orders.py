"""Reading what a request requires to be copied: JSON, CSV or plain text, into one `Text` of targets."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Annotated, Any, Literal, Protocol, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
)

from didier.domain import inputs, number_cells, targets
from didier.domain.fields import BY_COLUMN
from didier.domain.inputs import Entry, Row, RowRange
from didier.domain.number_cells import Reader
from didier.domain.tables import COLUMNS_MOST
from didier.domain.targets import Range
from didier.domain.templates import LONGEST, Template
from didier.errors import InvalidField, InvalidRange
from didier.services.batches.order_text import Reading, Text, read_text, text_of
from didier.storage.batches.input_text import pack
from didier.web.api.schemas import Body
from didier.web.api.text_bodies import (
    IGNORE_HELP,
    IMPLAUSIBLE_HELP,
    MAPPING_HELP,
    NOWHERE_HELP,
    TextKind,
    set_values,
    text_of_body,
)
from didier.web.api.texts import Pause

Value = StrictStr | StrictInt | None

Parsed = TypeVar("Parsed")


ERRORS_MOST = 1_000
"""Most errors of a body that are listed one by one."""

TARGETS_MOST = 100_000
"""Most entries of a list in JSON; each may be a range. Longer lists are sent as text."""


def _few(overrides: object) -> object:
    """Refuse more overrides than there are columns before each is looked at."""
    if isinstance(overrides, dict) and len(overrides) > len(BY_COLUMN):
        raise ValueError(f"at most {len(BY_COLUMN)} columns, as there are")
    return overrides


Mapping_ = Annotated[
    dict[Annotated[str, Field(max_length=200)], Annotated[str, Field(max_length=50)]],
    Field(max_length=COLUMNS_MOST),
]


class _WithTable(Protocol):
    """A body that may have a CSV text in it."""

    mapping: dict[str, str]
    ignore_columns: bool
    allow_implausible: bool


class Target(Body):
    """A target with values of its own."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": {
        "type": ["string", "integer", "null"]}})  # fmt: skip

    target: StrictStr = Field(max_length=110, description="Number, or range")


class TargetsBody(Body):
    """The targets of an order: numbers and ranges, or a CSV text."""

    targets: list[Annotated[StrictStr, Field(max_length=110)] | Target] = Field(
        default_factory=list,
        max_length=TARGETS_MOST,
        fail_fast=True,
        description="DIDs: numbers, ranges, or objects with `target` and their own columns",
    )
    ranges: list[Annotated[StrictStr, Field(max_length=110)]] = Field(
        default_factory=list,
        max_length=TARGETS_MOST,
        fail_fast=True,
        description="Ranges of DIDs, both ends included",
    )
    csv: StrictStr | None = Field(
        None, description="The DIDs as CSV: a header row names the numbers and columns of DIDs"
    )
    mapping: Mapping_ = Field(default_factory=dict, description=MAPPING_HELP)
    ignore_columns: StrictBool = Field(False, description=IGNORE_HELP)
    allow_implausible: StrictBool = Field(False, description=IMPLAUSIBLE_HELP)
    allow_nowhere: StrictBool = Field(False, description=NOWHERE_HELP)
    mode: Literal["atomic", "best_effort"] = Field(
        "atomic", description="If some targets are not possible: do nothing, or do the others"
    )
    dry_run: StrictBool = Field(False, description="Only show what would be done")


Values = Annotated[dict[str, Value], BeforeValidator(_few)]


class CopyBody(TargetsBody):
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
    overrides: Values = Field(
        default_factory=dict,
        description="Columns in which the copies differ from the source; null clears one",
    )
    description_template: StrictStr | None = Field(
        None,
        min_length=1,
        max_length=LONGEST,
        description="Description of each copy: `{target}`, `{source}`, columns of the source or the CSV row",
    )


@dataclass(frozen=True, slots=True)
class Copying:
    """What a request requires to be copied."""

    source: str
    text: Text
    overrides: Mapping[str, str | None] = field(default_factory=dict)
    template: Template | None = None
    atomic: bool = True
    dry_run: bool = False
    allow_implausible: bool = False
    allow_nowhere: bool = False


class Named(BaseModel):
    """What a JSON body says of its source: found without making anything of its targets."""

    source: StrictStr = Field(min_length=1, max_length=100)
    dry_run: StrictBool = False


def named(body: bytes, pause: Pause) -> Named | None:
    """Return what *body* says of its source, None where `of_json` will refuse it anyway."""
    try:
        return Named.model_validate_json(body)
    except ValidationError:
        return None
    finally:
        pause()


def of_json(body: bytes, limit: int, pause: Pause) -> Copying:
    """Read a JSON body; raise `RequestValidationError` or a `Refusal`."""
    return of_body(parsed(CopyBody.model_validate_json, body, pause), limit, pause)


def parsed(validate: Callable[[bytes], Parsed], body: bytes, pause: Pause, tag: str | None = None) -> Parsed:
    """Return what *validate* makes of a JSON body; raise `RequestValidationError`.

    *tag* is the field that says which of several shapes the body has.
    """
    try:
        return validate(body or b"null")
    except ValidationError as error:
        raise RequestValidationError(_found(error, tag)) from None
    finally:
        pause()


def of_body(sent: CopyBody, limit: int, pause: Pause) -> Copying:
    """Return what a body requires; raise a `Refusal`."""
    template = Template(sent.description_template) if sent.description_template else None
    return Copying(
        sent.source,
        targets_of(sent, limit, template, pause),
        plain_values(sent.overrides),
        template,
        sent.mode == "atomic",
        sent.dry_run,
        sent.allow_implausible,
        sent.allow_nowhere,
    )


def _found(error: ValidationError, tag: str | None) -> list[Mapping[str, Any]]:
    """Return what is wrong, or only how much: to tell of each place takes longer than to find them."""
    count = error.error_count()
    if count > ERRORS_MOST:
        return [{"type": "too_many", "loc": ("body",), "msg": f"{count} places are not valid"}]
    return [{**one, "loc": ("body", *_place(one["loc"], tag))} for one in error.errors(include_url=False)]


def _place(loc: tuple[int | str, ...], tag: str | None) -> tuple[int | str, ...]:
    """Return where in the body an error is; pydantic begins with the shape where there are several."""
    return loc if tag is None else loc[1:] or (tag,)


def plain_values(values: Mapping[str, str | int | None]) -> dict[str, str | None]:
    """Return values as the services take them."""
    return {column: None if value is None else str(value) for column, value in values.items()}


def targets_of(sent: TargetsBody, limit: int, template: Template | None, pause: Pause) -> Text:
    """Return the targets of a body; raise a `Refusal`."""
    if sent.csv is not None:
        if sent.targets or sent.ranges:
            raise InvalidField("csv", "", "only without targets and ranges")
        return text_of_csv(sent.csv, limit, template, reading_of(sent), pause)
    if sent.mapping or sent.ignore_columns:
        raise InvalidField("mapping" if sent.mapping else "ignore_columns", "", "only with csv")
    if not (sent.targets or sent.ranges):
        raise InvalidField("targets", "", "at least one target, range or csv")
    reader = number_cells.as_it_stands if sent.allow_implausible else number_cells.read
    objects = [target for target in sent.targets if isinstance(target, Target)]
    columns = frozenset(column for target in objects for column in target.model_extra or {})
    if unknown := sorted(columns - BY_COLUMN.keys()):
        raise InvalidField(unknown[0], "", "the name of a field of a DID")
    listed = (one for one in sent.targets if not isinstance(one, str) or one.strip())
    entries = chain(_entries(listed, reader, pause), map(_range, sent.ranges))
    return text_of(entries, columns, limit)


def reading_of(sent: "_WithTable") -> Reading:
    """Return how the CSV text of a body is to be read."""
    return Reading(
        is_table=True, mapping=sent.mapping, ignore=sent.ignore_columns, as_written=sent.allow_implausible
    )


def _range(item: str) -> Range | Row:
    """Return a range; what is none is refused, not taken for a number."""
    found = number_cells.read(item)
    [block, *more] = found.targets or [""]
    if isinstance(block, Range) and not more:
        return block
    written = targets.parse(_DASH.sub("-", item.strip()))
    if isinstance(written, InvalidRange):
        return Row(item, problem=written.reason)
    raise InvalidField("ranges", item, "first-last, such as 18002220000-18002220099")


_DASH = re.compile(r"\s*-\s*")


def text_of_csv(csv_text: str, limit: int, template: Template | None, reading: Reading, pause: Pause) -> Text:
    """Return the targets of a CSV text that came in JSON; raise a `Refusal`."""
    return read_text(list(pack([csv_text.encode()])), limit, template, reading, pause=pause)


def _entries(named: Iterable[str | Target], reader: Reader, pause: Pause) -> Iterator[Entry | RowRange]:
    """Yield what *named* asks for; targets that are objects have values of their own."""
    for one in named:
        pause()
        if not isinstance(one, Target):
            yield from inputs.of_item(one, reader)
            continue
        values = {column: _value(column, value) for column, value in (one.model_extra or {}).items()}
        for entry in inputs.of_item(one.target, reader):
            if isinstance(entry, Range):
                yield RowRange(entry, Row(str(entry), values))
            else:
                yield replace(entry, values=values)


def _value(column: str, value: Any) -> str | None:
    if not isinstance(value, str | int | None) or isinstance(value, bool):
        raise InvalidField(column, str(value)[:50], "a text, a number or null")
    return None if value in {None, ""} else str(value)


def of_text(
    pieces: Sequence[bytes], kind: TextKind, query: Mapping[str, Any], limit: int, pause: Pause
) -> Copying:
    """Read a text body; *query* has what JSON has beside the targets. Raises a `Refusal`."""
    template = Template(query["description_template"]) if query.get("description_template") else None
    text = text_of_body(pieces, kind, query, limit, pause, template)
    return Copying(
        query["source"],
        text,
        set_values(query.get("set", ())),
        template,
        query["mode"] == "atomic",
        query["dry_run"],
        query["allow_implausible"],
        query["allow_nowhere"],
    )
