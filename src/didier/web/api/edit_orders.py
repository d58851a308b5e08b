"""Reading what a request wants done to many DIDs: added, updated, deleted or imported."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

import orjson
from fastapi import Request
from pydantic import ConfigDict, Field, StrictBool, StrictStr
from sqlalchemy.engine import Connection

from didier.domain import patterns
from didier.domain.checks import Sought
from didier.domain.drift import NO_DRIFT_CHANGE, Action, DriftChange
from didier.domain.fields import ROUTES, TAG_LONGEST
from didier.domain.tag_changes import NO_TAGS, TagChanges
from didier.errors import InvalidField, NothingFound, Refusal, TooManyTargets
from didier.services.batches.checks import Checks
from didier.services.batches.edit_spec import EditSpec
from didier.services.batches.order_text import Text
from didier.services.dids import lookup
from didier.services.dids.lookup import Wanted
from didier.services.users.authentication import Caller
from didier.storage.batches.input_text import Packer
from didier.web.api.context import ApiContext, context_of
from didier.web.api.orders import (
    Mapping_,
    TargetsBody,
    Values,
    plain_values,
    reading_of,
    targets_of,
    text_of_csv,
)
from didier.web.api.schemas import SEARCH_MOST, Body
from didier.web.api.signed import expected
from didier.web.api.text_bodies import (
    ADD_TAGS_HELP,
    DRIFT_FIELDS_HELP,
    DRIFT_HELP,
    FIELDS_MOST,
    IGNORE_HELP,
    IMPLAUSIBLE_HELP,
    MAPPING_HELP,
    NOWHERE_HELP,
    REMOVE_TAGS_HELP,
    TAGS_MOST,
    TextKind,
    set_values,
    text_of_body,
)
from didier.web.api.texts import Pause

FOUND_AT_ONCE = 10_000
"""Most DIDs that are looked for together."""


_TEXT = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
"""A text that is not blank, without control characters: SQLite takes NUL for the end of one."""


Tags = Annotated[list[StrictStr], Field(max_length=TAGS_MOST)]


class Where(Body):
    """Conditions that DIDs meet, as for lists of DIDs: all of those that are given, one at least."""

    search: StrictStr | None = Field(
        None,
        pattern=_TEXT,
        max_length=SEARCH_MOST,
        description="Part of a number in any spelling, or of a description",
    )
    route: StrictStr | None = Field(None, pattern=f"^({'|'.join(ROUTES)})$", description="`did_route`")
    active: Literal["Y", "N"] | None = Field(None, description="`did_active`")
    user_group: StrictStr | None = Field(None, min_length=1, max_length=20)
    group_id: StrictStr | None = Field(None, min_length=1, max_length=20, description="In-group")
    carrier: StrictStr | None = Field(
        None, pattern=_TEXT, max_length=SEARCH_MOST, description="Part of `did_carrier_description`"
    )
    copied_from: StrictStr | None = Field(
        None, min_length=1, max_length=patterns.MAX_LENGTH, description="Pattern of the DID that was copied"
    )
    destination: StrictStr | None = Field(
        None, pattern=_TEXT, max_length=SEARCH_MOST, description="Part of where the route leads"
    )
    locked: Literal["Y", "N"] | None = Field(None, description="Whether it is locked against deletion")
    leads_nowhere: Literal["Y", "N"] | None = Field(
        None, description="Whether it is active and its calls lead nowhere"
    )
    check: Sought | None = Field(
        None, description="What is wrong with it: a kind of finding of `GET /checks`, or `any`"
    )
    tag: StrictStr | None = Field(None, pattern=_TEXT, max_length=TAG_LONGEST, description="One of its tags")

    @property
    def given(self) -> dict[str, str]:
        """The conditions that were given."""
        return self.model_dump(exclude_none=True)


class AddBody(TargetsBody):
    """DIDs to be created without copying another."""

    verb: Literal["add"]
    values: Values = Field(
        default_factory=dict, description="Columns of all of them; VICIdial's defaults elsewhere"
    )


class _ChosenBody(TargetsBody):
    where: Where | None = Field(None, description="In place of targets: the DIDs that meet these conditions")


class UpdateBody(_ChosenBody):
    """DIDs to be changed."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "verb": "update",
                "where": {"group_id": "SALES", "active": "Y"},
                "values": {"did_active": "N"},
                "mode": "best_effort",
                "dry_run": True,
            }
        }
    )

    verb: Literal["update"]
    values: Values = Field(
        default_factory=dict, description="Columns to be set in all of them; null clears one"
    )
    add_tags: Tags = Field(default_factory=list, description=ADD_TAGS_HELP)
    remove_tags: Tags = Field(default_factory=list, description=REMOVE_TAGS_HELP)

    drift: Action | None = Field(None, description=DRIFT_HELP)
    drift_fields: list[StrictStr] = Field(
        default_factory=list, max_length=FIELDS_MOST, description=DRIFT_FIELDS_HELP
    )

    @property
    def drift_change(self) -> DriftChange:
        """What becomes of what copies have otherwise than their source."""
        return DriftChange(self.drift or "", tuple(self.drift_fields))

    @property
    def tags(self) -> TagChanges:
        """What becomes of tags."""
        return TagChanges(tuple(self.add_tags), tuple(self.remove_tags))


class DeleteBody(_ChosenBody):
    """DIDs to be deleted."""

    verb: Literal["delete"]
    force: StrictBool = Field(False, description="Delete DIDs even if they are protected or in use")


class ImportBody(Body):
    """DIDs as a CSV table, as exports write it."""

    verb: Literal["import"]
    csv: StrictStr = Field(description="A header row names `did_pattern` and columns of DIDs")
    existing: Literal["refuse", "skip", "update"] = Field(
        "refuse", description="What to do with DIDs that exist"
    )
    mode: Literal["atomic", "best_effort"] = Field(
        "atomic", description="If some rows are not possible: do nothing, or do the others"
    )
    dry_run: StrictBool = Field(False, description="Only show what would be done")
    mapping: Mapping_ = Field(default_factory=dict, description=MAPPING_HELP)
    ignore_columns: StrictBool = Field(False, description=IGNORE_HELP)
    allow_implausible: StrictBool = Field(False, description=IMPLAUSIBLE_HELP)
    allow_nowhere: StrictBool = Field(False, description=NOWHERE_HELP)


EditBody = AddBody | UpdateBody | DeleteBody | ImportBody


@dataclass(frozen=True, slots=True)
class Editing:
    """What a request wants done; *where* are the conditions by which the DIDs of *text* were found."""

    spec: EditSpec
    text: Text
    atomic: bool
    dry_run: bool
    where: Mapping[str, Any] = field(default_factory=dict)


def of_body(sent: EditBody, limit: int, region: str, pause: Pause) -> Editing:
    """Return what a body that names its targets requires, dialled in *region*; raise a `Refusal`."""
    if isinstance(sent, ImportBody):
        text = text_of_csv(sent.csv, limit, None, reading_of(sent), pause)
    else:
        text = targets_of(sent, limit, None, pause)
    return Editing(_spec(sent, text, region), text, sent.mode == "atomic", sent.dry_run)


def _spec(sent: EditBody, text: Text, region: str = "") -> EditSpec:
    values = plain_values(sent.values) if isinstance(sent, AddBody | UpdateBody) else {}
    columns = () if isinstance(sent, DeleteBody) else tuple(sorted(text.own_columns))
    existing = sent.existing if isinstance(sent, ImportBody) else "refuse"
    force = sent.force if isinstance(sent, DeleteBody) else False
    checks = _checks(sent.verb, not sent.allow_implausible, not sent.allow_nowhere, region)
    tags = sent.tags if isinstance(sent, UpdateBody) else NO_TAGS
    drift = sent.drift_change if isinstance(sent, UpdateBody) else NO_DRIFT_CHANGE
    return EditSpec(sent.verb, values, columns, existing, force, checks, tags, drift)


def of_text(
    pieces: Sequence[bytes], kind: TextKind, query: Mapping[str, Any], limit: int, region: str, pause: Pause
) -> Editing:
    """Read a text body; *query* has what JSON has beside the targets. Raises a `Refusal`."""
    verb = query["verb"]
    kind = replace(kind, media_type="text/csv") if verb == "import" else kind
    text = text_of_body(pieces, kind, query, limit, pause)
    values = set_values(query["set"])
    columns = () if verb == "delete" else tuple(sorted(text.own_columns))
    checks = _checks(verb, not query["allow_implausible"], not query["allow_nowhere"], region)
    tags, drift = TagChanges.of(query), DriftChange.of(query)
    spec = EditSpec(verb, values, columns, query["existing"], query.get("force", False), checks, tags, drift)
    return Editing(spec, text, query["mode"] == "atomic", query["dry_run"])


def _checks(verb: str, plausible: bool, leading: bool, region: str) -> Checks:
    """Return what numbers are looked at for; other spellings count where DIDs are created."""
    return Checks(plausible, region if verb in {"add", "import"} else "", leading)


async def chosen(request: Request, sent: UpdateBody | DeleteBody) -> Editing:
    """Return what a body requires that names conditions: the DIDs that meet them now; raise a `Refusal`."""
    where = sent.where
    if where is None or not where.given:
        raise InvalidField("where", "", "one condition at least")
    if sent.targets or sent.ranges or sent.csv is not None:
        raise InvalidField("where", "", "only without targets, ranges and csv")
    context = context_of(request)
    wanted = Wanted(**where.given, contexts=context.dialplan_contexts)
    text = await _found(context, expected(request), wanted)
    return Editing(_spec(sent, text), text, sent.mode == "atomic", sent.dry_run, where.given)


async def _found(context: ApiContext, caller: Caller, wanted: Wanted) -> Text:
    """Return the DIDs that are wanted and that the caller sees, by their ids."""
    packer, count, last = Packer(), 0, 0
    pieces: list[bytes] = []
    while True:
        found = await context.on_reader(_finding(caller, wanted, last))
        if isinstance(found, Refusal):
            raise found
        count += len(found)
        if count > context.batch_limit:
            raise TooManyTargets(context.batch_limit)
        pieces += packer.add(b"".join(orjson.dumps(pattern) + b"\n" for _, pattern in found))
        if len(found) < FOUND_AT_ONCE:
            break
        last = found[-1][0]
    if not count:
        raise NothingFound
    return Text((*pieces, packer.end()), count, is_exact=True)


def _finding(caller: Caller, wanted: Wanted, after: int) -> Callable[[Connection], Any]:
    return lambda conn: lookup.patterns(conn, caller, wanted, after, FOUND_AT_ONCE)
