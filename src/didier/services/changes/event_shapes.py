"""Events as they are sent, by the feed of changes and by webhooks alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import ConfigDict, Field, WithJsonSchema

from didier.services.changes.feed import (
    BatchChange,
    CheckChange,
    DidChange,
    Event,
    GatewaySetChange,
    UserChange,
    WebhookChange,
)
from didier.services.dids.check_shapes import DidFinding
from didier.services.dids.gateway_shapes import GatewaySet

Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
DidType = Literal["did.created", "did.updated", "did.deleted"]
BatchType = Literal["batch.created", "batch.finished"]
UserType = Literal["user.created", "user.updated", "user.deleted"]
GatewaySetStoredType = Literal["gateway_set.stored"]
GatewaySetDeletedType = Literal["gateway_set.deleted"]
WebhookType = Literal["webhook.disabled"]
CheckType = Literal["check.failed", "check.passed"]
Row = Mapping[str, Any]


@dataclass
class ChangedDid:
    """What happened to a DID, or to a run of DIDs with consecutive numbers and ids."""

    did_id: Annotated[int, Field(description="Of the first; the others have the next ones")]
    did_pattern: Annotated[str, Field(description="The number; of a run the first")]
    last: Annotated[str, Field(description="The last number of a run; of one DID its own")]
    size: Annotated[int, Field(description="How many DIDs")]
    version: Annotated[int | None, Field(description="Of the DID, from this change on; null: not known")]
    source: Annotated[str | None, Field(description="Pattern of the DID that was copied")]
    fields: Annotated[
        list[str] | None,
        Field(description="Columns that were set to something else; null: not known"),
    ]
    before: Annotated[
        Row | None,
        Field(description="Columns and values: of an update those of `fields`, of what was deleted all, where"
                          " they are known"),
    ]  # fmt: skip
    after: Annotated[
        Row | None,
        Field(description="The same behind the change; of a run that was created those of the first"),
    ]
    own: Annotated[
        list[Row] | None,
        Field(description="Of a run in which DIDs differ otherwise than in number and id: those columns of"
                          " each"),
    ]  # fmt: skip

    @classmethod
    def of(cls, change: DidChange) -> Self:
        """Return what happened to a DID as it is told."""
        return cls(
            did_id=change.did_id,
            did_pattern=change.pattern,
            last=change.last,
            size=change.size,
            version=change.version,
            source=change.source,
            fields=None if change.names is None else [*change.names],
            before=change.before,
            after=change.after,
            own=None if change.own is None else [*change.own],
        )


@dataclass
class ChangedBatch:
    """A batch that was ordered, or that has come to an end."""

    id: Annotated[int, Field(description="Its number")]
    kind: Annotated[str, Field(description="copy, add, import, update or delete")]
    state: Annotated[str, Field(description="In which it was then: pending, done, failed or undone")]
    source: Annotated[str | None, Field(description="Pattern of the DID that was copied")]
    totals: Annotated[
        Mapping[str, int],
        Field(description="How many numbers of each outcome, now; `requested`: all"),
    ]

    @classmethod
    def of(cls, change: BatchChange) -> Self:
        """Return a batch as it is told."""
        batch = change.batch
        totals = {"requested": batch.requested} | {
            name: count for name in _COUNTED if (count := getattr(batch, name))
        }
        return cls(batch.batch_id, batch.kind, change.state, batch.source_pattern or None, totals)


_COUNTED = (
    "added", "updated", "deleted", "existing", "duplicates", "invalid", "missing", "refused", "removed",
    "restored", "kept",
)  # fmt: skip


@dataclass
class ChangedUser:
    """A user who was added, changed or deleted."""

    user: Annotated[str, Field(description="Their name")]
    fields: Annotated[list[str], Field(description="Columns that were set; no values are told")]

    @classmethod
    def of(cls, change: UserChange) -> Self:
        """Return a user as they are told."""
        return cls(change.name, [*change.names])


_EXAMPLE: dict[str, Any] = {
    "sequence": 4711,
    "id": "4711",
    "timestamp": "2026-03-04T05:06:07+01:00",
    "user": "admin",
    "origin": "json-api",
    "cause": "update",
    "batch_id": 4711,
}


@dataclass
class ChangeEvent:
    """Something that has happened."""

    sequence: Annotated[
        int, Field(description="Its place: numbers only grow; several events may share one, on one page")
    ]
    id: Annotated[str, Field(description="What it is known by, however often it comes")]
    timestamp: Annotated[Moment, Field(description="When it was done, or found")]
    user: Annotated[str, Field(description="Who did it; empty: it was done beside Didier, and found")]
    origin: Annotated[str, Field(description="By which door: `json-api`, `outside`; empty: not known")]
    cause: Annotated[
        str, Field(description="By what: copy, add, import, update, delete, undo, outside or check")
    ]
    batch_id: Annotated[int | None, Field(description="The batch to which it belongs; null: none")]


@dataclass
class DidEvent(ChangeEvent):
    """Something that has happened to a DID, or to a run of them."""

    __pydantic_config__ = ConfigDict(
        json_schema_extra={
            "example": {
                **_EXAMPLE,
                "type": "did.updated",
            }
        }
    )

    type: Annotated[DidType, Field(description="What has happened")]
    data: ChangedDid


@dataclass
class BatchEvent(ChangeEvent):
    """Something that has happened to a batch."""

    type: Annotated[BatchType, Field(description="What has happened")]
    data: ChangedBatch


@dataclass
class UserEvent(ChangeEvent):
    """Something that has happened to a user."""

    __pydantic_config__ = ConfigDict(
        json_schema_extra={
            "example": {
                **_EXAMPLE,
                "batch_id": None,
                "type": "user.updated",
                "data": {"user": "alice", "fields": ["full_name"]},
            }
        }
    )

    type: Annotated[UserType, Field(description="What has happened")]
    data: ChangedUser


@dataclass
class GatewaySetStored(ChangeEvent):
    """A gateway set as it is from now on, in the place of the one with its name."""

    type: Annotated[GatewaySetStoredType, Field(description="What has happened")]
    data: GatewaySet


@dataclass
class DeletedGatewaySet:
    """A gateway set that is there no more."""

    name: Annotated[str, Field(description="Its name")]
    number: Annotated[int, Field(description="The one that it had in Kamailio's dispatcher")]


@dataclass
class GatewaySetDeleted(ChangeEvent):
    """A gateway set that was deleted, or that the caller sees no more."""

    type: Annotated[GatewaySetDeletedType, Field(description="What has happened")]
    data: DeletedGatewaySet


@dataclass
class ChangedWebhook:
    """An endpoint of webhooks to which nothing is sent any more."""

    id: Annotated[int, Field(description="Its number")]
    url: Annotated[str, Field(description="Where it was sent to")]
    reason: Annotated[str, Field(description="Why that has ended")]


@dataclass
class WebhookEvent(ChangeEvent):
    """Something that has happened to an endpoint of webhooks."""

    type: Annotated[WebhookType, Field(description="What has happened")]
    data: ChangedWebhook


@dataclass
class CheckedDids:
    """A DID, or a run of DIDs with consecutive numbers and ids, whose check has come out otherwise."""

    did_id: Annotated[int, Field(description="Of the first; the others have the next ones")]
    did_pattern: Annotated[str, Field(description="The number; of a run the first")]
    last: Annotated[str, Field(description="The last number of a run; of one DID its own")]
    size: Annotated[int, Field(description="How many DIDs")]
    findings: Annotated[
        list[DidFinding],
        Field(description="All that is wrong from now on, the same for each of them; passed: nothing"),
    ]

    @classmethod
    def of(cls, change: CheckChange) -> Self:
        """Return a check as it is told."""
        found = [*map(DidFinding.of, change.findings)]
        return cls(change.did_id, change.pattern, change.last, change.size, found)


@dataclass
class CheckEvent(ChangeEvent):
    """A check of a DID, or of a run of them, has come out otherwise than before."""

    __pydantic_config__ = ConfigDict(
        json_schema_extra={
            "example": {
                **_EXAMPLE,
                "user": "",
                "origin": "",
                "cause": "check",
                "batch_id": None,
                "type": "check.failed",
                "data": {
                    "did_id": 2,
                    "did_pattern": "18002223333",
                    "last": "18002223333",
                    "size": 1,
                    "findings": [
                        {"kind": "inactive", "reason": "the in-group SALES is not active"},
                    ],
                },
            }
        }
    )

    type: Annotated[CheckType, Field(description="What has happened")]
    data: CheckedDids


AnyEvent = (
    DidEvent | BatchEvent | UserEvent | GatewaySetStored | GatewaySetDeleted | WebhookEvent | CheckEvent
)


def body(event: Event) -> bytes:
    """Return an event as JSON."""
    return orjson.dumps(shown(event))


def shown(event: Event) -> AnyEvent:
    """Return an event as followers and webhooks hear of it."""
    told: dict[str, Any] = {
        "sequence": event.number,
        "id": event.id,
        "timestamp": event.at.astimezone().isoformat(),
        "user": event.user,
        "origin": event.origin,
        "cause": event.cause,
        "batch_id": event.batch_id,
        "type": event.type,
    }
    match event.data:
        case DidChange():
            return DidEvent(**told, data=ChangedDid.of(event.data))
        case BatchChange():
            return BatchEvent(**told, data=ChangedBatch.of(event.data))
        case UserChange():
            return UserEvent(**told, data=ChangedUser.of(event.data))
        case GatewaySetChange(name, number, stored):
            if stored is None:
                return GatewaySetDeleted(**told, data=DeletedGatewaySet(name, number))
            return GatewaySetStored(**told, data=GatewaySet.of(stored))
        case WebhookChange(webhook_id, url, reason):
            return WebhookEvent(**told, data=ChangedWebhook(webhook_id, url, reason))
        case CheckChange():
            return CheckEvent(**told, data=CheckedDids.of(event.data))
