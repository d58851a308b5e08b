"""What followers of changes are told, as values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Self

from didier.client.models import DidFinding, GatewaySet, Model, Totals, Value, frozen, moment


@dataclass(frozen=True, slots=True)
class ChangedDid(Model):
    """What happened to a DID, or to *size* DIDs with consecutive numbers and ids.

    - *did_pattern* is the number, of many the first; *last* the last of them.
    - *before* and *after* are columns and values: all of what was created or deleted, of an update those in
      *fields*. None: there is none, or it is not known.
    - *own*, of a run that was created: the columns of each DID in which they differ otherwise than in number
      and id; *after* is that of the first.
    - *version* is that of the DID from then on; *source* the DID that was copied.
    """

    did_id: int
    did_pattern: str
    last: str = ""
    size: int = 1
    version: int | None = None
    source: str | None = None
    fields: tuple[str, ...] | None = None
    before: Mapping[str, Value] | None = field(default=None, hash=False)
    after: Mapping[str, Value] | None = field(default=None, hash=False)
    own: tuple[Mapping[str, Value], ...] | None = field(default=None, hash=False)

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return what the API tells of a DID as a value."""
        names, own = data.get("fields"), data.get("own")
        return super(ChangedDid, cls).read(
            data,
            fields=None if names is None else tuple(names),
            before=frozen(data.get("before")),
            after=frozen(data.get("after")),
            own=None if own is None else tuple(map(MappingProxyType, own)),
            **given,
        )


@dataclass(frozen=True, slots=True)
class ChangedBatch(Model):
    """A batch that was ordered, or that has ended, in *state*; *totals* are those of now.

    *source* is the pattern of the DID that was copied.
    """

    id: int
    kind: str
    state: str
    source: str | None = None
    totals: Totals = field(default_factory=Totals)

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return what the API tells of a batch as a value."""
        return super(ChangedBatch, cls).read(data, totals=Totals.read(data.get("totals") or {}), **given)


@dataclass(frozen=True, slots=True)
class ChangedUser(Model):
    """A user who was added, changed or deleted; *fields* are the columns that were set."""

    user: str
    fields: tuple[str, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return what the API tells of a user as a value."""
        return super(ChangedUser, cls).read(data, fields=tuple(data.get("fields") or ()), **given)


@dataclass(frozen=True, slots=True)
class ChangedGatewaySet(Model):
    """A gateway set, and how it is *stored* from now on; None: it was deleted."""

    name: str
    number: int
    stored: GatewaySet | None = None

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return what the API tells of a gateway set as a value."""
        stored = GatewaySet.read(data) if "gateways" in data else None
        return super(ChangedGatewaySet, cls).read(data, stored=stored, **given)


@dataclass(frozen=True, slots=True)
class ChangedCheck(Model):
    """What is wrong from now on with a DID, or with *size* DIDs with consecutive numbers and ids: *findings*.

    *did_pattern* is the number, of many the first; *last* the last of them.
    """

    did_id: int
    did_pattern: str
    last: str = ""
    size: int = 1
    findings: tuple[DidFinding, ...] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return what the API tells of a check as a value."""
        findings = tuple(map(DidFinding.read, data["findings"]))
        return super(ChangedCheck, cls).read(data, findings=findings, **given)


_Changed = ChangedDid | ChangedBatch | ChangedUser | ChangedGatewaySet | ChangedCheck

_SUBJECTS: Mapping[str, Callable[[Mapping[str, Any]], _Changed]] = {
    "did": ChangedDid.read,
    "batch": ChangedBatch.read,
    "user": ChangedUser.read,
    "gateway_set": ChangedGatewaySet.read,
    "check": ChangedCheck.read,
}
"""What is told of each subject; its name is the first word of the type."""


@dataclass(frozen=True, slots=True)
class ChangeEvent(Model):
    """Something that has happened.

    - *sequence* is its place; several events may share one. *id* is what it is known by, however often it
      comes.
    - *resume_after* is the number to store when it is done with: following goes on behind it.
    - *type* says what *data* is: of ``did.…`` a `ChangedDid`, of ``batch.…`` a `ChangedBatch`, of ``user.…``
      a `ChangedUser`, of ``gateway_set.…`` a `ChangedGatewaySet`, of ``check.…`` a `ChangedCheck`, and a
      mapping of everything else.
    - *user* did it, through *origin*, by *cause*; all empty where it was done beside Didier, and found.
    - *members* is the whole event as the server has sent it.
    """

    sequence: int
    id: str
    type: str
    timestamp: datetime
    resume_after: int
    user: str = ""
    origin: str = ""
    cause: str = ""
    batch_id: int | None = None
    data: _Changed | Mapping[str, Any] = field(default_factory=dict, hash=False)
    members: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return an event of the API as a value."""
        read = _SUBJECTS.get(str(data["type"]).partition(".")[0], MappingProxyType)
        shown = {"timestamp": moment(data["timestamp"]), "data": read(data["data"]), "members": frozen(data)}
        return super(ChangeEvent, cls).read({**data, **shown}, **given)


@dataclass(frozen=True, slots=True)
class ChangePage(Model):
    """Some events; the next page begins behind *next*, and *newest* is the highest number there is."""

    items: tuple[ChangeEvent, ...]
    next: int
    newest: int

    @classmethod
    def read(cls, data: Mapping[str, Any], **given: Any) -> Self:
        """Return a page of events as a value.

        What has one number comes on one page: only behind the last event of a number may others go on there.
        """
        items = data["items"]
        numbers = [item["sequence"] for item in items]
        events = (
            ChangeEvent.read(item, resume_after=number - 1 if number == following else number)
            for item, number, following in zip(items, numbers, [*numbers, None][1:], strict=True)
        )
        return super(ChangePage, cls).read(data, items=tuple(events), **given)
