"""How each operation of the JSON API is asked well-formed, and what it needs. One missing fails a test."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from didier import errors
from security.rule import ALLOWED, PARTLY, Need, Row, needs
from security.world import (
    CALL,
    DAY,
    DESK_SERVER,
    DID,
    EDGE,
    GATEWAYS,
    MARK,
    OTHER,
    PASSWORD,
    REPORTED_CALLS,
    SCHEDULE,
    WEBHOOK,
)

DID_CSV = "did_pattern,did_description\n{},Support line\n"
UPDATE = {"verb": "update", "values": {"record_call": "Y"}}
COPY = {"source": DID, "targets": ["7770010"]}
NEW_USER = {"user": "newcomer", "password": "new-pass", "user_group": "SUPPORT", "user_level": 1}
TOKEN = {"name": "new", "scopes": ["dids:read"]}


@dataclass(frozen=True)
class Operation(Row):
    """An operation of the OpenAPI document.

    *parts* name what stands in its address, *named* what stands in its body, by the ids of the `World`.
    *gives* says that *body* describes a user whom the circumstances may give more.
    """

    parts: Mapping[str, str] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    body: Any = None
    kind: str = "application/json"
    gives: bool = False

    @property
    def operation_id(self) -> str:
        """The name in the OpenAPI document; what follows tells ways to ask apart."""
        return self.name.partition(",")[0]


def _did(name: str, *functions: str, **more: Any) -> Operation:
    values = {"hidden": errors.NotFound, "beyond": errors.NotFound, "mark": MARK, **more}
    return Operation(name, needs(*functions), **values)


def _dids(name: str, function: str, or_scope: str | None = None, **more: Any) -> Operation:
    need = replace(needs(function), or_scope=or_scope)
    return Operation(name, need, **{"hidden": PARTLY, "beyond": PARTLY, "mark": MARK, **more})


def _batch(name: str, need: Need, batch: str, **more: Any) -> Operation:
    return Operation(
        name,
        need,
        hidden=errors.BatchNotFound,
        beyond=errors.BatchNotFound,
        parts={"batch_id": batch},
        **more,
    )


def _ordered(name: str, need: Need, **more: Any) -> Operation:
    """Return an order of a batch; a DID that is not there for the caller makes it impossible."""
    hidden = {"hidden": errors.NotAllPossible, "beyond": errors.NotAllPossible}
    return Operation(name, need, **{**hidden, "changes": True, **more})


def _on_user(name: str, function: str, **more: Any) -> Operation:
    refusals = {
        "hidden": errors.UserNotFound, "higher": errors.LevelNotAllowed, "further": errors.BeyondReach,
    }  # fmt: skip
    return Operation(name, **{"need": needs(function), **refusals, **more})


def _own(name: str, **more: Any) -> Operation:
    return Operation(name, Need(api=False, by_token=False), **more)


_TOKENS = {"need": Need(("update_user",), by_token=False)}
"""Whose tokens of others are made, listed or revoked."""

_SHOWN = {"higher": ALLOWED, "further": ALLOWED}
"""Users are shown whatever they may do."""

_READ = needs("list_dids")


def _destinations(one: str, many: str, body: dict[str, str], change: dict[str, str]) -> tuple[Operation, ...]:
    """Return the operations on a kind of what DIDs lead to; VICIdial's own are only read."""
    hidden = {"hidden": errors.DestinationNotFound}
    write = {"need": needs("update_did"), "beyond": errors.NotPermitted, "on_vicidial": errors.VicidialOwned,
             "changes": True}  # fmt: skip
    return (
        Operation(f"list{many}", _READ, hidden=PARTLY, beyond=errors.NotPermitted, mark=MARK),
        Operation(f"get{one}", _READ, **hidden, beyond=errors.NotPermitted, mark=MARK),
        Operation(f"add{one}", body=body, **write),
        Operation(f"change{one}", body=change, **hidden, **write),
        Operation(f"delete{one}", **hidden, **write),
    )


def _schedules() -> tuple[Operation, ...]:
    """Return the operations on schedules, which Didier has on every database."""
    hidden = {"hidden": errors.DestinationNotFound, "beyond": errors.NotPermitted}
    write = {"need": needs("update_did"), "changes": True}
    return (
        Operation("listSchedules", _READ, hidden=PARTLY, beyond=errors.NotPermitted, mark=MARK),
        Operation("getSchedule", _READ, **hidden, mark=MARK),
        Operation("setSchedule", body=SCHEDULE, **hidden, **write),
        Operation("deleteSchedule", **hidden, **write),
    )


def _gateways() -> tuple[Operation, ...]:
    """Return the operations on gateway sets: an address that is new needs rights on machines besides."""
    hidden = {"hidden": errors.DestinationNotFound, "beyond": errors.NotPermitted}
    new = replace(needs("update_did", rights=("update_did", "server_refresh")), level=9)
    return (
        Operation("listGatewaySets", _READ, hidden=PARTLY, beyond=errors.NotPermitted, mark=MARK),
        Operation("getGatewaySet", _READ, **hidden, mark=MARK),
        Operation("setGatewaySet", new, body=GATEWAYS, **hidden, changes=True),
        Operation("deleteGatewaySet", needs("update_did"), **hidden, changes=True),
    )


_ALL_ARE_ANSWERED = ("allowed", "hidden", "beyond", "locked")
"""Circumstances that make no difference to what is the caller's own."""


def _edges() -> tuple[Operation, ...]:
    """Return the operations on edges: each is that of who reports it, whatever they see."""
    need = replace(_READ, or_scope="changes:read")
    return (
        Operation("listEdges", need),
        Operation("reportEdge", need, body=EDGE, changes=True),
        Operation("deleteEdge", need, changes=True, **dict.fromkeys(_ALL_ARE_ANSWERED, errors.EdgeNotFound)),
    )


def _webhooks() -> tuple[Operation, ...]:
    """Return the operations on webhooks: those are hidden whose users see more than the caller."""
    shared = {"need": needs("manage_webhooks"), "beyond": errors.NotPermitted}
    # Who says what an endpoint hears of has to be able to hear of it.
    heard = replace(
        needs("manage_webhooks", "list_dids"), other_scopes=frozenset({"dids:read", "changes:read"})
    )
    one = {**shared, "parts": {"webhook_id": "webhook"}, "hidden": errors.WebhookNotFound}
    event = {**one, "parts": {"webhook_id": "webhook", "event_id": "event"}}
    return (
        Operation("listWebhooks", **shared, hidden=PARTLY, mark=MARK),
        Operation("addWebhook", **{**shared, "need": heard}, body=WEBHOOK, changes=True),
        Operation("getWebhook", **one, mark=MARK),
        Operation("updateWebhook", **{**one, "need": heard}, body={"description": "Another"}, changes=True),
        Operation("deleteWebhook", **one, changes=True),
        Operation("rotateWebhookSecret", **one, body={}, changes=True),
        Operation("listWebhookAttempts", **one),
        Operation("resendEvents", **one, body={"since": f"{DAY}T00:00:00"}, changes=True),
        Operation("resendEvent", **event, changes=True),
        Operation("testWebhook", **one, changes=True),
    )


_UNDO = {"changes": True, "body": {}}

OPERATIONS: tuple[Operation, ...] = (
    _dids("listDids", "list_dids"),
    _did("getDid", "did_info"),
    Operation(
        "addDid", needs("add_did"), beyond=errors.NotPermitted, body={"did_pattern": "7770010"}, changes=True
    ),
    _did("changeDid", "update_did", body={"record_call": "Y"}, changes=True),
    Operation(
        "deleteDid", needs("delete_did", rights=("delete_did", "update_did")), hidden=errors.NotFound,
        beyond=errors.NotFound, changes=True,
    ),
    _did("getDidHistory", "did_info"),
    _did("getLineage", "did_info"),
    _did("explainRoute", "did_info"),
    _dids("checkDids", "list_dids"),
    _did("lockDid", "update_did", mark=None, changes=True),
    _did("unlockDid", "update_did", mark=None, changes=True),
    _did("copyDid", "copy_did", mark=None, body=COPY, changes=True),
    _did(
        "copyDid, as text", "copy_did", mark=None, query=f"?source={DID}", body="7770010\n",
        kind="text/plain", changes=True,
    ),
    _did("copyDid, preview", "copy_did", mark=None, body={**COPY, "dry_run": True}),
    _dids("listBatches", "list_dids", mark=f'"source":"{DID}"'),
    _batch("getBatch", _READ, "copied"),
    _batch("listItems", _READ, "copied"),
    _batch("exportRefused", _READ, "copied"),
    _batch("watchBatch", _READ, "copied"),
    _batch("undoBatch, copies", needs("copy_did", rights=("copy_did", "delete_did")), "copied", **_UNDO),
    _batch(
        "undoBatch, an addition", needs("update_did", rights=("update_did", "delete_did")), "made", **_UNDO
    ),
    _batch("undoBatch, an update", needs("update_did"), "updated", **_UNDO),
    _batch("undoBatch, a deletion", needs("update_did", rights=("add_did",)), "deleted", **_UNDO),
    _ordered(
        "orderBatch, copies", needs("copy_did"), hidden=errors.NotFound, beyond=errors.NotFound,
        body={"verb": "copy", **COPY},
    ),
    _ordered(
        "orderBatch, additions", needs("add_did"), hidden=ALLOWED, beyond=errors.NotPermitted,
        body={"verb": "add", "targets": ["7770010"]},
    ),
    _ordered("orderBatch, updates", needs("update_did"), body={**UPDATE, "targets": [DID]}),
    _ordered(
        "orderBatch, tags", needs("update_did"),
        body={"verb": "update", "targets": [DID], "add_tags": ["vip"], "remove_tags": ["old"]},
    ),
    _ordered(
        "orderBatch, updates of what is found", needs("update_did", rights=("update_did", "list_dids")),
        hidden=errors.NothingFound, beyond=errors.NothingFound, body={**UPDATE, "where": {"search": DID}},
    ),
    _ordered(
        "orderBatch, deletions", needs("delete_did", "update_did"), body={"verb": "delete", "targets": [DID]}
    ),
    _ordered(
        "orderBatch, an import", needs("add_did"), hidden=ALLOWED, beyond=errors.NotPermitted,
        body={"verb": "import", "csv": DID_CSV.format("7770010")},
    ),
    _ordered(
        "orderBatch, an undo", needs("update_did"), hidden=errors.BatchNotFound,
        beyond=errors.BatchNotFound, body={"verb": "undo"}, named={"batch": "updated"},
    ),
    Operation(
        "readTable", Need(any_of=("copy_did", "add_did", "update_did")), body=DID_CSV.format("7770010"),
        kind="text/csv",
    ),
    _batch(
        "cancelBatch", needs("copy_did"), "copied", allowed=errors.NotCancellable,
        locked=errors.NotCancellable,
    ),
    _dids("exportDidsCsv", "list_dids"),
    _dids("exportDidsNdjson", "list_dids"),
    Operation(
        "importDids", needs("add_did"), beyond=errors.NotPermitted, body=DID_CSV.format("7770010"),
        kind="text/csv", changes=True,
    ),
    Operation(
        "importDids, updates", needs("add_did", "update_did"), hidden=errors.NotAllPossible,
        beyond=errors.NotAllPossible, query="?existing=update", body=DID_CSV.format(DID), kind="text/csv",
        changes=True,
    ),
    _on_user("listUsers", "user_details", **_SHOWN, hidden=PARTLY, mark=f"{OTHER} {MARK}"),
    _on_user("getUser", "user_details", **_SHOWN, mark=MARK),
    _on_user(
        "addUser", "add_user", hidden=errors.GroupNotFound, further=errors.InvalidField, body=NEW_USER,
        gives=True, changes=True,
    ),
    _on_user("changeUser", "update_user", body={"full_name": "Somebody"}, changes=True),
    _on_user(
        "changeUser, password and tokens", "update_user", changes=True,
        body={"password": "another-pass", "revoke_tokens": True},
    ),
    _on_user("unlockUser", "update_user", changes=True),
    _on_user("resetSecondFactor", "update_user", changes=True),
    _own("getMe", mark="caller"),
    _own(
        "changeMyPassword", body={"password": PASSWORD, "new_password": "another-pass"},
        locked=errors.NotConfirmed, changes=True,
    ),
    _own("beginSecondFactor", body={"password": PASSWORD}, locked=errors.NotConfirmed, changes=True),
    _own("setSecondFactor", factor="waiting", body={}, changes=True),
    _own("renewRecoveryCodes", factor="confirmed", locked=errors.NotConfirmed, changes=True),
    _own("endSecondFactor", factor="confirmed", locked=errors.NotConfirmed, changes=True),
    _own("listPreferences", query="?kind=filter"),
    _own("setPreference", body={"kind": "filter", "name": "Mine", "value": {"tag": "west"}}, changes=True),
    _own(
        "deletePreference", query="?kind=filter&name=Mine", allowed=errors.PreferenceNotFound,
        hidden=errors.PreferenceNotFound,
        locked=errors.PreferenceNotFound,
    ),
    Operation("listTokens", mark="everything"),
    _on_user("listTokens, another's", "update_user", **_TOKENS, query=f"?user={OTHER}", mark=MARK),
    _on_user(
        "listTokens, all", "update_user", **_TOKENS, hidden=PARTLY, higher=PARTLY, further=PARTLY,
        query="?user=*", mark=MARK,
    ),
    Operation("addToken", body=TOKEN, changes=True),
    _on_user("addToken, another's", "update_user", **_TOKENS, body={**TOKEN, "user": OTHER}, changes=True),
    Operation("revokeToken", parts={"token_id": "own"}, changes=True),
    Operation(
        "revokeToken, another's", **_TOKENS, hidden=errors.TokenNotFound,
        higher=errors.TokenNotFound, further=errors.TokenNotFound, refused=errors.TokenNotFound,
        parts={"token_id": "another's"}, changes=True,
    ),
    Operation(
        "readLog", needs("api_log"), hidden=PARTLY, beyond=errors.NotPermitted, query=f"?user={OTHER}",
        mark=MARK,
    ),
    *_destinations(
        "InGroup", "InGroups", {"group_id": "NEW", "group_name": "New one"}, {"group_name": "Another"}
    ),
    *_destinations(
        "CallMenu", "CallMenus", {"menu_id": "NEW", "menu_name": "New one"}, {"menu_name": "Another"}
    ),
    *_destinations(
        "Phone", "Phones", {"extension": "new", "server_ip": DESK_SERVER, "dialplan_number": "1"},
        {"fullname": "Another"},
    ),
    *_destinations(
        "Server", "Servers", {"server_id": "new", "server_ip": "192.0.2.99"},
        {"server_description": "Another"},
    ),
    *_schedules(),
    *_gateways(),
    *_edges(),
    *_webhooks(),
    _dids("listChanges", "list_dids", or_scope="changes:read", query="?after=0", mark=DID),
    _dids("readUsage", "did_log_export", mark=DID, query="?period=today"),
    _dids(
        "readUsageSeries", "did_log_export", query=f"?did={DID}&period=today", mark='"last_call":"2',
    ),
    _dids("reportIdle", "did_log_export", query="?fewer_than=1000&days=1", mark=DID),
    _dids("reportUnknown", "did_log_export", query="?period=today"),  # who sees all alone sees the mark
    _dids("reportDuplicates", "did_log_export", query="?kind=destination", mark=DID),
    _dids(
        "reportDuplicates, as CSV", "did_log_export", query="?kind=configuration&format=csv", mark=DID
    ),
    _dids("reportDrift", "did_log_export"),
    _dids("readLiveCalls", "list_dids", mark=DID),
    _dids("watchCalls", "list_dids", query="?seconds=1", mark=DID),
    _dids(
        "readCalls", "did_log_export", beyond=errors.NotPermitted,
        query=f"?number={DID}&date={DAY}", mark=CALL,
    ),
    # What becomes of a call to a DID that is not seen, is not told: it is stored as one without a DID.
    Operation(
        "reportCalls", needs("report_calls"), beyond=errors.NotPermitted, body=REPORTED_CALLS, changes=True
    ),
)  # fmt: skip
"""Every operation, in every way that asks for other rights."""
