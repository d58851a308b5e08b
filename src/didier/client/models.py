"""What the server tells, as values: frozen, and indifferent to fields of newer servers."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any, Generic, Self, TypeVar

Value = str | int | None
"""What a column of a DID holds."""

T = TypeVar("T")


class Model:
    """A dataclass that is read from JSON: fields that it does not have are left out."""

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return *data* as a value; *given* are fields that come from elsewhere."""
        known = {one.name: data[one.name] for one in fields(cls) if one.name in data}  # type: ignore[arg-type]  # every subclass is a dataclass
        return cls(**{**known, **given})


def moment(text: str | None) -> datetime | None:
    """Return a moment that the server wrote."""
    return datetime.fromisoformat(text) if text else None


def frozen(data: Mapping[str, Value] | None) -> Mapping[str, Value] | None:
    """Return a mapping of the server's that nobody changes."""
    return None if data is None else MappingProxyType(dict(data))


@dataclass(frozen=True, slots=True)
class Did(Mapping[str, Value]):
    """A DID: a mapping of all its columns, with properties for the usual ones.

    *etag* marks its state, for `Didier.update` and `Didier.delete`; it is None for DIDs from lists.
    """

    columns: Mapping[str, Value]
    etag: str | None = field(default=None, compare=False)

    def __getitem__(self, column: str) -> Value:
        return self.columns[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __hash__(self) -> int:
        return hash((self.id, self.pattern))

    @classmethod
    def read(cls, data: Mapping[str, Value], etag: str | None = None) -> "Did":
        """Return a row of the API as a DID; raises `ValueError` for what is none."""
        row = dict(data)
        if not {"did_id", "did_pattern"} <= row.keys():
            raise ValueError("a DID has an id and a pattern")
        return cls(MappingProxyType(row), etag)

    def _text(self, column: str) -> str:
        value = self.columns.get(column)
        return "" if value is None else str(value)

    @property
    def id(self) -> int:
        """``did_id``."""
        return int(self.columns["did_id"] or 0)

    @property
    def pattern(self) -> str:
        """The number as it is dialled."""
        return self._text("did_pattern")

    @property
    def description(self) -> str:
        """What it is for."""
        return self._text("did_description")

    @property
    def active(self) -> bool:
        """Whether calls are accepted."""
        return self._text("did_active") == "Y"

    @property
    def route(self) -> str:
        """What happens to a call: ``did_route``."""
        return self._text("did_route")

    @property
    def in_group(self) -> str:
        """The in-group that calls go to, with the route IN_GROUP: ``group_id``."""
        return self._text("group_id")

    @property
    def call_menu(self) -> str:
        """The call menu that calls go to, with the route CALLMENU: ``menu_id``."""
        return self._text("menu_id")

    @property
    def nowhere(self) -> str:
        """Why its calls lead nowhere; empty if they do not, or if it is not active."""
        return self._text("nowhere")

    @property
    def carrier(self) -> str:
        """Who delivers the number: ``did_carrier_description``."""
        return self._text("did_carrier_description")

    @property
    def user_group(self) -> str:
        """Whose it is: ``user_group``."""
        return self._text("user_group")

    @property
    def reason(self) -> str:
        """What is odd about a DID that was just created; empty otherwise."""
        return self._text("reason")

    @property
    def tags(self) -> tuple[str, ...]:
        """Words of your own, in alphabetical order: ``tags``."""
        return tuple(filter(None, self._text("tags").split(",")))

    @property
    def copied_from(self) -> str | None:
        """The pattern of the DID that it was copied from."""
        return self._text("copied_from") or None


@dataclass(frozen=True, slots=True)
class Destination(Mapping[str, Value]):
    """An in-group, call menu, phone or server: a mapping of its columns; *options* are a call menu's."""

    columns: Mapping[str, Value]
    options: tuple[Mapping[str, str | None], ...] = ()

    def __getitem__(self, column: str) -> Value:
        return self.columns[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __hash__(self) -> int:
        return hash(tuple(self.columns.items()))

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Destination":
        """Return a thing as the API shows it."""
        columns = {name: value for name, value in data.items() if name != "options"}
        options = tuple(MappingProxyType(dict(one)) for one in data.get("options", ()))
        return cls(MappingProxyType(columns), options)


@dataclass(frozen=True, slots=True)
class Change(Model):
    """A change of a DID.

    *action* is copied, added, updated, deleted, undone or restored; *before* and *after* are the row, None
    where there was none. One from *outside* was made beside Didier, by VICIdial or in SQL: it has no user, no
    batch (None), the time at which it was found, and of the row before it what is known. *version* is that of
    the DID from then on, None where it is not known.
    """

    when: datetime
    user: str
    address: str
    action: str
    batch_id: int | None
    source: str | None = None
    before: Mapping[str, Value] | None = field(default=None, hash=False)
    after: Mapping[str, Value] | None = field(default=None, hash=False)
    outside: bool = False
    version: int | None = None

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a line of a history as a value."""
        before, after = frozen(data.get("before")), frozen(data.get("after"))
        return super(Change, cls).read(data, when=moment(data["when"]), before=before, after=after, **given)


@dataclass(frozen=True, slots=True)
class DidFinding(Model):
    """Something that is wrong with a DID: of which *kind* it is, and the *reason* in words.

    *kind* is no_destination, missing, inactive, fallback_only, schedule, loop, context or detour.
    """

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class CheckedDid(Model):
    """The pattern *did* of a DID, its *description*, and what is wrong with it."""

    did: str
    description: str | None
    findings: tuple[DidFinding, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a DID with its findings as a value."""
        findings = tuple(map(DidFinding.read, data["findings"]))
        return super(CheckedDid, cls).read(data, findings=findings, **given)


@dataclass(frozen=True, slots=True)
class FieldDrift(Model):
    """The values of a field: that of the *source*, and that of the *copy*."""

    source: Value
    copy: Value


@dataclass(frozen=True, slots=True)
class DriftedDid(Model):
    """A copy (*did*, a pattern) that differs from its *source*; *differs* has both values of each field."""

    did: str
    description: str | None
    source: str
    copied_at: datetime | None = None
    batch: int | None = None
    differs: Mapping[str, FieldDrift] = field(default_factory=dict, hash=False)

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a copy as a value."""
        differs = {name: FieldDrift.read(one) for name, one in data["differs"].items()}
        copied_at = moment(data.get("copied_at"))
        return super(DriftedDid, cls).read(data, differs=differs, copied_at=copied_at, **given)


@dataclass(frozen=True, slots=True)
class LineageSource(Model):
    """A DID from which the one before was copied: its pattern then, and now; None if it is gone."""

    did: str | None
    copied_as: str
    copied_at: datetime | None = None
    batch: int | None = None

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a source as a value."""
        return super(LineageSource, cls).read(data, copied_at=moment(data.get("copied_at")), **given)


@dataclass(frozen=True, slots=True)
class LineageCopy(Model):
    """A copy, and how many *copies* it has itself."""

    did: str
    description: str | None
    copies: int = 0


@dataclass(frozen=True, slots=True)
class Lineage(Model):
    """What a DID was copied from, the nearest first; how many *copies* it has, and some of them (*items*)."""

    did: str
    sources: tuple[LineageSource, ...] = ()
    copies: int = 0
    items: tuple[LineageCopy, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a lineage as a value."""
        sources = tuple(map(LineageSource.read, data["sources"]))
        items = tuple(map(LineageCopy.read, data["items"]))
        return super(Lineage, cls).read(data, sources=sources, items=items, **given)


@dataclass(frozen=True, slots=True)
class RouteStep(Model):
    """What a *rule* came to that was looked at for a call."""

    rule: str
    outcome: str


@dataclass(frozen=True, slots=True)
class RouteTarget(Model):
    """A place in Asterisk's dialplan; the priority is 1."""

    context: str
    extension: str


@dataclass(frozen=True, slots=True)
class RouteGateways(Model):
    """The gateway set to which a SIP edge sends the calls to a DID, and the *reason*."""

    number: int
    name: str
    reason: str
    addresses: tuple[str, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a gateway set of an explanation as a value."""
        return super(RouteGateways, cls).read(data, addresses=tuple(data["addresses"]), **given)


@dataclass(frozen=True, slots=True)
class CallRoute(Model):
    """Where a call would go.

    - *caller* and *name* are who calls, as it was read; *server_ip* is where the call arrives, if known.
    - *did* is the pattern of the row that decides, None if there is none; *route* the way that the call
      takes, as VICIdial's log has it (F_EXTEN: by a filter to an extension).
    - *leads_to* says in words where it goes, and *target* is that place in the dialplan; both are None where
      the dialplan goes on by itself. *nowhere* says why the call leads nowhere, None if it does not.
    - *steps* have what was looked at on the way, *commands* what Asterisk would be told.
    - *gateways* is the set to which a SIP edge sends the calls to the DID; None: there is none.
    """

    dialled: str
    caller: str
    name: str
    server_ip: str
    did: str | None
    route: str
    leads_to: str | None
    target: RouteTarget | None
    nowhere: str | None
    steps: tuple[RouteStep, ...] = ()
    commands: tuple[str, ...] = ()
    gateways: RouteGateways | None = None

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return an explanation as a value."""
        given["target"] = data["target"] and RouteTarget.read(data["target"])
        # Servers before this release do not say.
        given["gateways"] = RouteGateways.read(data["gateways"]) if data.get("gateways") else None
        steps, commands = tuple(map(RouteStep.read, data["steps"])), tuple(data["commands"])
        return super(CallRoute, cls).read(data, steps=steps, commands=commands, **given)


@dataclass(frozen=True, slots=True)
class SpecialDay(Model):
    """A day to come on which hours are not those of the week: a holiday, or a date of the schedule's own."""

    date: str
    name: str
    hours: tuple[str, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a day as a value."""
        return super(SpecialDay, cls).read(data, hours=tuple(data["hours"]), **given)


@dataclass(frozen=True, slots=True)
class Schedule(Model):
    """Opening hours that DIDs have.

    - *hours* are lists of ``09:00-17:00`` by weekday, by the clocks of *time_zone*; *dates* have others, and
      on public holidays of *country* and its *subdivision* it is closed.
    - *outside* is where calls go outside the hours, as one of a DID's ``fallbacks``.
    - *open* says whether it is open at the moment, *reason* why; *next_opening* is None while it is, or if it
      does not open within a year. *upcoming* are the next days with other hours.
    """

    name: str
    user_group: str
    time_zone: str
    hours: Mapping[str, list[str]] = field(hash=False)
    outside: str
    country: str = ""
    subdivision: str = ""
    dates: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    open: bool = True
    reason: str = ""
    next_opening: datetime | None = None
    upcoming: tuple[SpecialDay, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a schedule as a value."""
        days = tuple(map(SpecialDay.read, data["upcoming"]))
        opening, dates = moment(data["next_opening"]), tuple(data["dates"])
        return super(Schedule, cls).read(data, upcoming=days, next_opening=opening, dates=dates, **given)


@dataclass(frozen=True, slots=True)
class Gateway(Model):
    """A SIP gateway of a set.

    One of a higher *priority* is tried first; *weight* is its share among those of the same.
    """

    address: str
    priority: int = 0
    weight: int = 1
    description: str = ""


@dataclass(frozen=True, slots=True)
class GatewayRule(Model):
    """Which DIDs have a gateway set by itself: those with all that is named, or with *default* all others."""

    prefix: str = ""
    route: str = ""
    server_ip: str = ""
    user_group: str = ""
    default: bool = False


@dataclass(frozen=True, slots=True)
class GatewaySet(Model):
    """SIP gateways that take the calls to some DIDs; *number* is that of the set in Kamailio's dispatcher.

    With *probing* it is tried whether the gateways answer. By *rules* DIDs have the set that name none.
    """

    name: str
    number: int
    user_group: str
    gateways: tuple[Gateway, ...]
    probing: bool = True
    rules: tuple[GatewayRule, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a gateway set as a value."""
        gateways = tuple(map(Gateway.read, data["gateways"]))
        rules = tuple(map(GatewayRule.read, data["rules"]))
        return super(GatewaySet, cls).read(data, gateways=gateways, rules=rules, **given)


@dataclass(frozen=True, slots=True)
class Edge(Model):
    """An agent beside a SIP proxy, and how it has said at *seen_at* that it stands.

    *user* has said so from *address*. It has done the change *sequence*, *behind* are those after that.
    *kamailio* is connected, away or behind.
    """

    name: str
    user: str = ""
    address: str = ""
    seen_at: datetime | None = None
    is_connected: bool = False
    behind: int = 0
    sequence: int = 0
    numbers: int = 0
    kamailio: str = ""
    version: str = ""
    pending_calls: int = 0
    detail: str = ""

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return an edge as a value."""
        return super(Edge, cls).read(data, seen_at=moment(data["seen_at"]), **given)


@dataclass(frozen=True, slots=True)
class TargetProblem(Model):
    """Why a target cannot be made; *outcome* is exists, duplicate or invalid."""

    position: int
    target: str
    outcome: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.target} ({self.reason})"


@dataclass(frozen=True, slots=True)
class Item(Model):
    """What became of a target, at its *position* in the order, counted from 1.

    - *outcome* is added, updated or deleted; exists, duplicate, invalid, implausible, nowhere, missing or
      refused where nothing was done; after an undo removed, restored or kept; planned while that is to come.
    - *reason* says why nothing was done, or what is odd about a number that was created.
    """

    position: int
    target: str
    outcome: str
    did_id: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Totals(Model):
    """How many targets of a batch there are of each outcome.

    *missing* were to be updated or deleted, and are not there; *refused* are in use, locked or protected.
    *removed* were created and deleted again, *restored* are again as they were.
    """

    requested: int = 0
    added: int = 0
    updated: int = 0
    deleted: int = 0
    exists: int = 0
    duplicate: int = 0
    invalid: int = 0
    implausible: int = 0
    nowhere: int = 0
    missing: int = 0
    refused: int = 0
    removed: int = 0
    restored: int = 0
    kept: int = 0

    @property
    def edited(self) -> int:
        """How many were created, updated or deleted; also those that were taken back."""
        return self.added + self.updated + self.deleted

    @property
    def taken_back(self) -> int:
        """How many are again as they were before."""
        return self.removed + self.restored


ENDED = frozenset({"done", "failed", "undone"})
"""States of a batch in which nothing happens any more by itself."""


@dataclass(frozen=True)
class BatchState(Model):
    """A batch as it was when the server told of it.

    - *kind* is copy, add, update, delete or import; *mode* atomic or best_effort.
    - *state* is pending, running, done, failed or undone; *phase* check, make, remove, or None when nothing
      goes on.
    - *done* of ``totals.requested`` targets are done with; *failure* says why it failed.
    - *existing* is what an import does with DIDs that exist: refuse, skip or update; *force* deletes DIDs too
      that are protected or in use; *where* are the conditions by which its DIDs were chosen.
    - *add_tags* and *remove_tags* are tags that its DIDs got and lost beside their others.
    - *drift* is apply or keep, where it did that to differences to sources; of *drift_fields* alone, if any.
    - *kept* are DIDs that an undo has kept as they were changed since or are locked, the first 1,000.
    """

    id: int
    kind: str
    mode: str
    state: str
    phase: str | None = None
    caller: str = ""
    address: str = ""
    created_at: datetime | None = None
    finished_at: datetime | None = None
    source: str | None = None
    overrides: Mapping[str, str | None] = field(default_factory=dict, hash=False)
    description_template: str | None = None
    existing: str | None = None
    force: bool = False
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    drift: str | None = None
    drift_fields: tuple[str, ...] = ()
    where: Mapping[str, str] | None = field(default=None, hash=False)
    totals: Totals = Totals()
    done: int = 0
    failure: str | None = None
    undone_by: str | None = None
    undone_at: datetime | None = None
    kept: tuple[str, ...] = ()
    source_snapshot: Mapping[str, Value] | None = field(default=None, hash=False)
    reported: tuple[Item, ...] | None = field(default=None, repr=False, compare=False)
    """The items, where the answer had them."""

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a batch of the API as a value."""
        items = data.get("items")
        return super().read(
            data,
            created_at=moment(data.get("created_at")),
            finished_at=moment(data.get("finished_at")),
            undone_at=moment(data.get("undone_at")),
            totals=Totals.read(data.get("totals") or {}),
            kept=tuple(data.get("kept") or ()),
            add_tags=tuple(data.get("add_tags") or ()),
            remove_tags=tuple(data.get("remove_tags") or ()),
            drift_fields=tuple(data.get("drift_fields") or ()),
            reported=None if items is None else tuple(map(Item.read, items)),
            **given,
        )

    @property
    def ended(self) -> bool:
        """Whether nothing happens any more by itself: it is done, failed or undone."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class Difference(Model):
    """A column in which a DID that exists differs from what would be made."""

    now: Value = None
    would_be: Value = None


@dataclass(frozen=True, slots=True)
class Previewed(Model):
    """What would become of a target.

    *status* is new, similar, exists, duplicate, invalid, implausible or nowhere (calls would lead nowhere).

    *similar_to* is the same number in another spelling, which exists; *did_id* that of the DID that exists.
    """

    position: int
    target: str
    status: str
    reason: str | None = None
    did_id: int | None = None
    similar_to: str | None = None
    differs: Mapping[str, Difference] = field(default_factory=dict, hash=False)

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a target of a preview as a value."""
        differs = {name: Difference.read(one) for name, one in (data.get("differs") or {}).items()}
        return super(Previewed, cls).read(data, differs=differs, **given)


@dataclass(frozen=True, slots=True)
class PreviewTotals(Model):
    """How many targets of a preview there are of each status."""

    requested: int = 0
    new: int = 0
    similar: int = 0
    exists: int = 0
    duplicate: int = 0
    invalid: int = 0
    implausible: int = 0
    nowhere: int = 0


@dataclass(frozen=True)
class PreviewState(Model):
    """What a copy would do; nothing was written.

    *possible* says whether it would be made, in the mode that was asked for. *shown* are all targets, or, of
    more than 1,000, the first 1,000 that are not simply new; *omitted* is how many are not shown.
    """

    possible: bool
    totals: PreviewTotals
    shown: tuple[Previewed, ...] = ()
    omitted: int = 0

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return the answer to a preview as a value."""
        totals = PreviewTotals.read(data["totals"])
        return super().read(data, totals=totals, shown=tuple(map(Previewed.read, data["items"])), **given)


@dataclass(frozen=True, slots=True)
class Sample(Model):
    """A DID to which an order would do something: its description now, and the columns that would change."""

    target: str
    description: str = ""
    differs: Mapping[str, Difference] = field(default_factory=dict, hash=False)

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a DID of a sample as a value."""
        differs = {name: Difference.read(one) for name, one in data["differs"].items()}
        return super(Sample, cls).read(data, differs=differs, **given)


@dataclass(frozen=True, slots=True)
class OrderPreview(Model):
    """What an order would do; nothing was written.

    *possible* says whether it would be carried out, in the mode that was asked for. *items* are all DIDs, or,
    of more than 1,000, the first 1,000 to which nothing would be done; *omitted* is how many are not shown.
    *sample* are the first existing DIDs to which something would be done.
    """

    possible: bool
    totals: Totals
    items: tuple[Item, ...] = ()
    omitted: int = 0
    sample: tuple[Sample, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return the answer to a dry run as a value."""
        totals, items = Totals.read(data["totals"]), tuple(map(Item.read, data["items"]))
        sample = tuple(map(Sample.read, data.get("sample") or ()))
        return super(OrderPreview, cls).read(data, totals=totals, items=items, sample=sample, **given)


@dataclass(frozen=True, slots=True)
class ImportedItem(Model):
    """What became of a row; *outcome* is added, updated or exists, or in a large dry run one of `Item`'s."""

    position: int
    target: str
    outcome: str
    did_id: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Import(Model):
    """What was imported, or would be in a dry run.

    - *batch* is the id for `Didier.undo`. Above 1,000 rows it is not *ended* yet and there are no *items*:
      ``client.batch(done.batch).wait()`` waits for it.
    - *totals* has how many rows there are of each outcome; those of a large import come with its batch.
    - Of a large dry run *items* are the first 1,000 rows that would not be imported, *omitted* says how many
      are not shown, and *possible* whether all would be imported. A small one raises what is not possible.
    """

    dry_run: bool
    batch: int | None
    items: tuple[ImportedItem, ...] = ()
    ended: bool = True
    possible: bool = True
    totals: Totals = Totals()
    omitted: int = 0

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return the answer to an import as a value: of a small one, of a large dry run, or a batch."""
        if "id" in data:
            totals = Totals.read(data["totals"])
            return cls(dry_run=False, batch=data["id"], ended=data["state"] in ENDED, totals=totals)
        items = tuple(map(ImportedItem.read, data["items"]))
        counts = Counter(item.outcome for item in items)
        counted = data.get("totals") or {"requested": len(items), **counts}
        shown = {"batch": data.get("batch"), "items": items, "totals": Totals.read(counted), **given}
        return super(Import, cls).read(data, **shown)


@dataclass(frozen=True, slots=True)
class User(Model):
    """A user and their rights; the password is never shown. *active* is Y or N."""

    user: str
    full_name: str = ""
    user_level: int = 0
    user_group: str = ""
    active: str = "Y"
    email: str = ""
    api_allowed_functions: tuple[str, ...] = ()
    vdc_agent_api_access: bool = False
    modify_inbound_dids: bool = False
    delete_inbound_dids: bool = False
    view_reports: bool = False
    modify_users: bool = False
    delete_users: bool = False
    ast_admin_access: bool = False

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a user of the API as a value."""
        functions = tuple(data.get("api_allowed_functions") or ())
        return super(User, cls).read(data, api_allowed_functions=functions, **given)


@dataclass(frozen=True, slots=True)
class SecondFactor(Model):
    """A second factor of the caller; *keeps_password*: the password alone opens both APIs."""

    confirmed_at: datetime | None = None
    keeps_password: bool = False
    recovery_codes_left: int = 0

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a second factor of the API as a value."""
        return super(SecondFactor, cls).read(data, confirmed_at=moment(data.get("confirmed_at")), **given)


@dataclass(frozen=True, slots=True)
class Me(Model):
    """Who the caller is; *second_factor* is None where none is set up."""

    user: str
    user_level: int = 0
    user_group: str = ""
    second_factor: SecondFactor | None = None

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return the caller of the API as a value."""
        factor = data.get("second_factor")
        return super(Me, cls).read(data, second_factor=factor and SecondFactor.read(factor), **given)


@dataclass(frozen=True, slots=True)
class Preference(Model):
    """What a *user* has chosen in the panel.

    *kind* is columns (of the list of DIDs), filter or mapping (of a file's columns); *value* has texts, or
    lists of them, by name. A *shared* filter is seen by others; one that is not *own* is somebody else's.
    """

    kind: str
    name: str
    value: Mapping[str, str | list[str]] = field(default_factory=dict, hash=False)
    shared: bool = False
    user: str = ""
    own: bool = True


@dataclass(frozen=True, slots=True)
class Token(Model):
    """A token, without what it says; *hint* is how it begins."""

    token_id: int
    user: str
    name: str
    hint: str = ""
    scopes: tuple[str, ...] = ()
    pattern_prefix: str | None = None
    networks: tuple[str, ...] = ()
    created_at: datetime | None = None
    created_by: str = ""
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a token of the API as a value."""
        moments = ("created_at", "expires_at", "last_used_at", "revoked_at")
        lists = {name: tuple(data.get(name) or ()) for name in ("scopes", "networks")}
        times = {name: moment(data.get(name)) for name in moments}
        return super(Token, cls).read(data, **lists, **times, **given)


@dataclass(frozen=True, slots=True)
class NewToken(Token):
    """A token that was made; *secret* is what it says, which the server shows this once."""

    secret: str = field(default="", repr=False)

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return the answer to a new token as a value."""
        return super(NewToken, cls).read(data, secret=data.get("token") or "", **given)


@dataclass(frozen=True, slots=True)
class Webhook(Model):
    """An endpoint to which events are sent, without its secret.

    - *types* of events, and *prefixes*, *routes* and *groups* of DIDs that it hears of; empty: all.
    - *enabled* is as people have set it; *state* is active, retrying, disabled (*reason* says why) or off.
    - *user* is who has set it last: it hears of what they may see.
    - All up to the change *sequence* is done with; *behind* are the changes after that, wanted or not.
    - *attempts*: how often the next event was tried in vain; it is tried again at *retry_at*.
    - Until *old_secret_until* messages are signed with the old secret too.
    """

    id: int
    url: str
    description: str = ""
    types: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    enabled: bool = True
    state: str = "active"
    reason: str | None = None
    user: str = ""
    created_at: datetime | None = None
    sequence: int = 0
    behind: int = 0
    attempts: int = 0
    retry_at: datetime | None = None
    succeeded_at: datetime | None = None
    failing_since: datetime | None = None
    disabled_at: datetime | None = None
    old_secret_until: datetime | None = None

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a webhook of the API as a value."""
        moments = (
            "created_at", "retry_at", "succeeded_at", "failing_since", "disabled_at", "old_secret_until",
        )  # fmt: skip
        lists = {name: tuple(data.get(name) or ()) for name in ("types", "prefixes", "routes", "groups")}
        times = {name: moment(data.get(name)) for name in moments}
        return super(Webhook, cls).read(data, **lists, **times, **given)


@dataclass(frozen=True, slots=True)
class NewWebhook(Webhook):
    """A webhook with a new *secret*, which signs what is sent to it, and which the server shows this once."""

    secret: str = field(default="", repr=False)

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return the answer that has the secret as a value."""
        return super(NewWebhook, cls).read(data, secret=data.get("secret") or "", **given)


@dataclass(frozen=True, slots=True)
class WebhookAttempt(Model):
    """What came of sending an event to a webhook.

    - *cause* is feed, resend or test; *event* is the id of what was sent, *type* its type.
    - *attempt* counts from 1. *outcome* is taken, repeated (it is sent again later) or failed.
    - *status* is that of the answer, *answer* its first bytes; without one *error* says why.
    """

    at: datetime | None
    cause: str
    event: str
    type: str
    attempt: int = 1
    outcome: str = "failed"
    status: int | None = None
    error: str = ""
    answer: str = ""
    milliseconds: int = 0

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return an attempt of the API as a value."""
        return super(WebhookAttempt, cls).read(data, at=moment(data.get("at")), **given)


@dataclass(frozen=True, slots=True)
class LogLine(Model):
    """A request that was made of either API; *when* is local time of the server."""

    api_id: int
    when: str
    user: str = ""
    function: str = ""
    agent_user: str = ""
    result: str = ""
    reason: str = ""
    source: str = ""
    data: str = ""


@dataclass(frozen=True, slots=True)
class CallCounts(Model):
    """Calls counted: *answered_share* is of those of which it is known, *average_wait* in seconds."""

    calls: int = 0
    redirected: int = 0
    answered: int = 0
    abandoned: int = 0
    unanswered: int = 0
    forwarded: int = 0
    failed: int = 0
    answered_share: float | None = None
    seconds: int = 0
    average_wait: float | None = None
    first_call: datetime | None = None
    last_call: datetime | None = None

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return what was counted."""
        moments = {name: moment(data.get(name)) for name in ("first_call", "last_call")}
        return super(CallCounts, cls).read(data, **moments, **given)


@dataclass(frozen=True, slots=True)
class Usage(CallCounts):
    """How much a DID was called; *extension* is its number, *pattern* None for one that is gone.

    *calls_before* are those in the period before; *callers* is an estimate unless *callers_exact*.
    """

    did_id: int = 0
    extension: str = ""
    pattern: str | None = None
    description: str | None = None
    user_group: str | None = None
    route: str | None = None
    active: str | None = None
    calls_before: int = 0
    callers: int = 0
    callers_exact: bool = True


@dataclass(frozen=True, slots=True)
class UsageBucket(CallCounts):
    """Calls of a day or an hour, or of one hour of all weeks (*weekday* 0 is Monday); *begins* is local."""

    begins: str = ""
    weekday: int | None = None
    hour: int | None = None


@dataclass(frozen=True, slots=True)
class IdleNumber(Model):
    """An active DID with few calls; *last_call* and *idle_days* are None without any."""

    did_id: int
    pattern: str
    description: str | None = None
    user_group: str | None = None
    route: str | None = None
    calls: int = 0
    last_call: datetime | None = None
    idle_days: int | None = None

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a DID."""
        return super(IdleNumber, cls).read(data, last_call=moment(data.get("last_call")), **given)


@dataclass(frozen=True, slots=True)
class UnknownNumber(CallCounts):
    """A number that was called and that no DID has, *called_since* then."""

    number: str = ""
    callers: int = 0
    callers_exact: bool = True
    called_since: datetime | None = None

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a number."""
        return super(UnknownNumber, cls).read(data, called_since=moment(data.get("called_since")), **given)


@dataclass(frozen=True, slots=True)
class DuplicateDid(Model):
    """A DID that has duplicates; *destination* is where its calls go, in words."""

    did_id: int
    pattern: str
    description: str | None = None
    active: str | None = None
    destination: str = ""
    user_group: str | None = None


@dataclass(frozen=True, slots=True)
class SetupDifference(Model):
    """A *field* in which DIDs have another *value* than is *usual* in their group."""

    field: str
    usual: Value
    value: Value


@dataclass(frozen=True, slots=True)
class SetupVariant(Model):
    """How many DIDs are nearly set up in the usual way, in what they differ, and the first of them."""

    count: int
    differences: tuple[SetupDifference, ...] = ()
    dids: tuple[DuplicateDid, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a variant with its DIDs as a value."""
        differences = tuple(map(SetupDifference.read, data["differences"]))
        dids = tuple(map(DuplicateDid.read, data["dids"]))
        return super(SetupVariant, cls).read(data, differences=differences, dids=dids, **given)


@dataclass(frozen=True, slots=True)
class DuplicateGroup(Model):
    """DIDs that are duplicates: how many, how many of them *alike*, and the first of these.

    *name* is their number, their destination, or the oldest number that is set up in the usual way. The
    others are in *variants*: the largest of as many as *near* says.
    """

    name: str
    count: int
    alike: int
    dids: tuple[DuplicateDid, ...] = ()
    variants: tuple[SetupVariant, ...] = ()
    near: int = 0

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a group with its DIDs as a value."""
        dids = tuple(map(DuplicateDid.read, data["dids"]))
        variants = tuple(map(SetupVariant.read, data["variants"]))
        return super(DuplicateGroup, cls).read(data, dids=dids, variants=variants, **given)


@dataclass(frozen=True, slots=True)
class InboundCall(Model):
    """A call to a number."""

    caller: str
    came_at: str
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class StoredCalls(Model):
    """How many of the calls that were reported were stored, and how many were known."""

    stored: int
    known: int


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list, and the cursor of the next one."""

    items: tuple[T, ...]
    next: str | None = None
