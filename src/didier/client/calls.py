"""Every request of the API as a value: what is sent, how its answer is read, and whether it may be repeated.

Nothing here sends anything, so that `Didier` and `AsyncDidier` share all of it.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from didier.client import bodies, models
from didier.client.bodies import Body, Table
from didier.client.events import ChangePage
from didier.client.models import Did, Page
from didier.client.table_reading import AS_IT_IS, TableReading
from didier.client.values import Given, columns, query, segment, yes_no

API = "/api/v1"
NDJSON = "application/x-ndjson"
EVENTS = "text/event-stream"
KEY = "Idempotency-Key"

PAGE = 200
"""How many items a page of a list has unless told; of what became of targets it has `PAGE_MOST`."""

PAGE_MOST = 1_000

TOKEN_ATTEMPTS = 3
"""How often a token is made again because the answer that had it was lost."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def data(self) -> Any:
        """What it says in JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class ApiCall(Generic[T]):
    """A request.

    - *read* makes a value of its answer.
    - *repeatable*: it does nothing twice, however often it comes; without it, it is sent again only if
      the server did not take it.
    - *gone*: the type of the problem that means it was done before, when it comes to a repeated request.
    - *slow*: the answer may take much longer than usual, as all targets are looked at before it.
    - *waits*: seconds for which the server may keep the answer back, in which it says nothing.
    """

    method: str
    path: str
    read: Callable[[Answer], T]
    params: Mapping[str, str | list[str]] = field(default_factory=dict)
    body: Body | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    gone: str | None = None
    slow: bool = False
    waits: int = 0


Read = Callable[[Mapping[str, Any]], T]


def _nothing(answer: Answer) -> None:
    return None


def _did(answer: Answer) -> Did:
    return Did.read(answer.data, answer.headers.get("etag"))


def _value(read: Read[T]) -> Callable[[Answer], T]:
    return lambda answer: read(answer.data)


def _get(path: str, read: Callable[[Answer], T], **params: Any) -> ApiCall[T]:
    return ApiCall("GET", f"{API}{path}", read, query(params))


def _page(path: str, read: Read[T], **params: Any) -> ApiCall[Page[T]]:
    def page(answer: Answer) -> Page[T]:
        data = answer.data
        return Page(tuple(map(read, data["items"])), data.get("next"))

    return _get(path, page, **params)


def post(
    path: str, read: Callable[[Answer], T], body: Body, key: str | None = None, **params: Any
) -> ApiCall[T]:
    """Send a body; what comes twice with one *key* is done once."""
    headers = {KEY: key or str(uuid.uuid4())}
    return ApiCall("POST", f"{API}{path}", read, query(params), body, headers)


def _patch(
    path: str, read: Callable[[Answer], T], body: Body, headers: Mapping[str, str] | None = None
) -> ApiCall[T]:
    return ApiCall("PATCH", f"{API}{path}", read, body=body, headers=headers or {}, repeatable=False)


def following(call: ApiCall[Page[T]], page: Page[T]) -> ApiCall[Page[T]] | None:
    """Return the call for what follows *page*; None behind the last."""
    return None if page.next is None else replace(call, params={**call.params, "cursor": page.next})


# DIDs


def filters(
    search: str | None = None,
    route: str | None = None,
    active: bool | None = None,
    user_group: str | None = None,
    group_id: str | None = None,
    carrier: str | None = None,
    copied_from: str | None = None,
    destination: str | None = None,
    tag: str | None = None,
    locked: bool | None = None,
    leads_nowhere: bool | None = None,
    check: str | None = None,
) -> dict[str, Any]:
    """Return which DIDs are wanted, as parameters."""
    return {
        "search": search, "route": route, "active": yes_no(active), "user_group": user_group,
        "group_id": group_id, "carrier": carrier, "copied_from": copied_from, "destination": destination,
        "tag": tag, "locked": yes_no(locked), "leads_nowhere": yes_no(leads_nowhere),
        "check": check,
    }  # fmt: skip


def dids(wanted: Mapping[str, Any], sort: str | None, page_size: int) -> ApiCall[Page[Did]]:
    """List DIDs."""
    return _page("/dids", Did.read, **wanted, sort=sort, limit=page_size)


def did(pattern: str) -> ApiCall[Did]:
    """Show a DID."""
    return _get(f"/dids/{segment(pattern)}", _did)


def add(
    pattern: str, values: Mapping[str, Given], key: str | None, allowed: TableReading = AS_IT_IS
) -> ApiCall[Did]:
    """Make a DID."""
    body = bodies.as_json({"did_pattern": pattern, **allowed.in_json, **columns(values)})
    return post("/dids", _did, body, key)


def update(
    pattern: str, etag: str | None, values: Mapping[str, Given], allowed: TableReading = AS_IT_IS
) -> ApiCall[Did]:
    """Change a DID."""
    body = bodies.as_json({**allowed.in_json, **columns(values)})
    return _patch(f"/dids/{segment(pattern)}", _did, body, _if_match(etag))


def delete(pattern: str, force: bool, etag: str | None) -> ApiCall[None]:
    """Delete a DID."""
    return ApiCall(
        "DELETE", f"{API}/dids/{segment(pattern)}", _nothing, query({"force": force or None}),
        headers=_if_match(etag), gone="did-not-found",
    )  # fmt: skip


def _if_match(etag: str | None) -> dict[str, str]:
    return {} if etag is None else {"If-Match": etag}


def lock(pattern: str, locked: bool) -> ApiCall[None]:
    """Lock a DID, or unlock it."""
    return ApiCall("PUT" if locked else "DELETE", f"{API}/dids/{segment(pattern)}/lock", _nothing)


def route(
    pattern: str, caller: str, name: str, server_ip: str | None, at: datetime | None
) -> ApiCall[models.CallRoute]:
    """Explain where a call goes."""
    return _get(
        f"/dids/{segment(pattern)}/route", _value(models.CallRoute.read),
        caller=caller or None, name=name or None, server_ip=server_ip, at=at and at.isoformat(),
    )  # fmt: skip


def checks(kind: str | None, page_size: int) -> ApiCall[Page[models.CheckedDid]]:
    """List what is wrong with DIDs."""
    return _page("/checks", models.CheckedDid.read, kind=kind, limit=page_size)


DUPLICATES_PAGE = 50
"""How many groups of duplicates a page has: each with the first DIDs of it."""


def duplicates(
    kind: str, sort: str | None, wanted: Mapping[str, Any]
) -> ApiCall[Page[models.DuplicateGroup]]:
    """List groups of DIDs that are duplicates."""
    read, limit = models.DuplicateGroup.read, DUPLICATES_PAGE
    return replace(_page(_DUPLICATES, read, kind=kind, sort=sort, limit=limit, **wanted), slow=True)


def export_duplicates(kind: str, form: str, wanted: Mapping[str, Any]) -> ApiCall[Answer]:
    """Export DIDs that are duplicates as csv or ndjson."""
    return replace(_get(_DUPLICATES, whole, kind=kind, format=form, **wanted), slow=True)


_DUPLICATES = "/reports/duplicates"


def drift(
    against: str,
    source: str | None,
    user_group: str | None,
    route: str | None,
    prefix: str | None,
    tag: str | None,
    sort: str | None,
    page_size: int,
) -> ApiCall[Page[models.DriftedDid]]:
    """List copies that differ from their source."""
    return _page(
        "/reports/drift", models.DriftedDid.read, against=against, source=source, user_group=user_group,
        route=route, prefix=prefix, tag=tag, sort=sort, limit=page_size,
    )  # fmt: skip


def lineage(pattern: str, limit: int) -> ApiCall[models.Lineage]:
    """Show what a DID was copied from, and its copies."""
    return _get(
        f"/dids/{segment(pattern)}/lineage", lambda answer: models.Lineage.read(answer.data), limit=limit
    )


def schedules(search: str | None, page_size: int) -> ApiCall[Page[models.Schedule]]:
    """List schedules."""
    return _page("/schedules", models.Schedule.read, search=search, limit=page_size)


def schedule(name: str) -> ApiCall[models.Schedule]:
    """Show a schedule."""
    return _get(f"/schedules/{segment(name)}", _value(models.Schedule.read))


def set_schedule(name: str, values: Mapping[str, Any]) -> ApiCall[models.Schedule]:
    """Store a schedule."""
    body = bodies.as_json(dict(values))
    return ApiCall("PUT", f"{API}/schedules/{segment(name)}", _value(models.Schedule.read), body=body)


def delete_schedule(name: str) -> ApiCall[None]:
    """Delete a schedule."""
    return ApiCall("DELETE", f"{API}/schedules/{segment(name)}", _nothing, gone="destination-not-found")


def gateway_sets(search: str | None, page_size: int) -> ApiCall[Page[models.GatewaySet]]:
    """List gateway sets."""
    return _page("/gateways", models.GatewaySet.read, search=search, limit=page_size)


def gateway_set(name: str) -> ApiCall[models.GatewaySet]:
    """Show a gateway set."""
    return _get(f"/gateways/{segment(name)}", _value(models.GatewaySet.read))


def set_gateway_set(name: str, values: Mapping[str, Any]) -> ApiCall[models.GatewaySet]:
    """Store a gateway set."""
    body = bodies.as_json(dict(values))
    return ApiCall("PUT", f"{API}/gateways/{segment(name)}", _value(models.GatewaySet.read), body=body)


def delete_gateway_set(name: str) -> ApiCall[None]:
    """Delete a gateway set."""
    return ApiCall("DELETE", f"{API}/gateways/{segment(name)}", _nothing, gone="destination-not-found")


def edges(page_size: int) -> ApiCall[Page[models.Edge]]:
    """List edges."""
    return _page("/edges", models.Edge.read, limit=page_size)


def report_edge(name: str, values: Mapping[str, Any]) -> ApiCall[models.Edge]:
    """Say how an edge stands."""
    body = bodies.as_json(dict(values))
    return ApiCall("PUT", f"{API}/edges/{segment(name)}", _value(models.Edge.read), body=body)


def delete_edge(name: str) -> ApiCall[None]:
    """Forget an edge."""
    return ApiCall("DELETE", f"{API}/edges/{segment(name)}", _nothing, gone="edge-not-found")


def history(pattern: str, page_size: int) -> ApiCall[Page[models.Change]]:
    """List the changes of a DID."""
    return _page(f"/dids/{segment(pattern)}/history", models.Change.read, limit=page_size)


# Changes

WAIT_SECONDS = 30
"""How long the server is to wait for something to happen: proxies end requests that take a minute."""


def changes(after: int | None, types: tuple[str, ...], limit: int, wait: int = 0) -> ApiCall[ChangePage]:
    """List what happened behind a number; None: only how far it is."""
    wanted = {"after": after, "types": ",".join(types) or None, "limit": limit, "wait": wait or None}
    return replace(_get("/changes", _value(ChangePage.read), **wanted), waits=wait)


# Copies and batches


def whole(answer: Answer) -> Answer:
    """Read nothing of an answer."""
    return answer


def lines(call: ApiCall[T]) -> ApiCall[T]:
    """Return the call with its answer as JSON lines."""
    return replace(call, headers={**call.headers, "Accept": NDJSON})


def previewed(line: str) -> models.Previewed | None:
    """Return a target of a preview; None for the line of totals."""
    data = json.loads(line)
    return models.Previewed.read(data) if "position" in data else None


def batches(
    state: str | None, kind: str | None, caller: str | None, source: str | None, read: Read[T], page_size: int
) -> ApiCall[Page[T]]:
    """List batches."""
    return _page("/batches", read, state=state, kind=kind, caller=caller, source=source, limit=page_size)


def batch(batch_id: int, read: Read[T]) -> ApiCall[T]:
    """Show a batch."""
    return _get(f"/batches/{int(batch_id)}", _value(read))


def items(batch_id: int, outcome: tuple[str, ...]) -> ApiCall[Page[models.Item]]:
    """List the outcome of each target."""
    return _page(
        f"/batches/{int(batch_id)}/items", models.Item.read, outcome=outcome or None, limit=PAGE_MOST
    )


def events(batch_id: int) -> ApiCall[Answer]:
    """Watch a batch."""
    return replace(_get(f"/batches/{int(batch_id)}/events", whole), headers={"Accept": EVENTS})


def undo(batch_id: int, force: bool, read: Read[T], key: str | None) -> ApiCall[T]:
    """Undo a batch."""
    path, body = f"/batches/{int(batch_id)}/undo", bodies.as_json({"force": force})
    return replace(post(path, _value(read), body, key), slow=True)


def cancel(batch_id: int, read: Read[T], key: str | None) -> ApiCall[T]:
    """Cancel a batch."""
    return post(f"/batches/{int(batch_id)}/cancel", _value(read), bodies.Whole(b""), key)


# Files


def export(form: str, wanted: Mapping[str, Any]) -> ApiCall[Answer]:
    """Export DIDs as csv or ndjson."""
    if form not in {"csv", "ndjson"}:
        raise ValueError(f"{form!r} is no format of exports; csv and ndjson are")
    return _get(f"/exports/dids.{form}", whole, **wanted)


def import_dids(
    table: Table, existing: str, dry_run: bool, atomic: bool, reading: TableReading, key: str | None
) -> ApiCall[models.Import]:
    """Import DIDs."""
    call = post(
        "/imports", _value(models.Import.read), bodies.table(table), key,
        existing=existing, dry_run=dry_run or None, mode=None if atomic else "best_effort",
        **reading.parameters,
    )  # fmt: skip
    return replace(call, slow=True)


# What DIDs lead to

Options = Iterable[Mapping[str, str]]
"""The options of a call menu, each a mapping of its columns."""


def destinations(path: str, search: str | None, page_size: int) -> ApiCall[Page[models.Destination]]:
    """List in-groups, call menus, phones or servers."""
    return _page(f"/{path}", models.Destination.read, search=search, limit=page_size)


def destination(path: str, key: Sequence[str]) -> ApiCall[models.Destination]:
    """Show one of them."""
    return _get(_below(path, key), _value(models.Destination.read))


def add_destination(
    path: str, values: Mapping[str, Given], options: Options | None, key: str | None
) -> ApiCall[models.Destination]:
    """Make one of them."""
    return post(f"/{path}", _value(models.Destination.read), _destination(values, options), key)


def update_destination(
    path: str, key: Sequence[str], values: Mapping[str, Given], options: Options | None
) -> ApiCall[models.Destination]:
    """Change one of them."""
    return _patch(_below(path, key), _value(models.Destination.read), _destination(values, options))


def delete_destination(path: str, key: Sequence[str], force: bool) -> ApiCall[None]:
    """Delete one of them."""
    wanted = query({"force": force or None})
    return ApiCall("DELETE", f"{API}{_below(path, key)}", _nothing, wanted, gone="destination-not-found")


def _below(path: str, key: Sequence[str]) -> str:
    return "/".join((f"/{path}", *map(segment, key)))


def _destination(values: Mapping[str, Given], options: Options | None) -> Body:
    sent: dict[str, Any] = {name: yes_no(value) for name, value in values.items()}
    if options is not None:
        sent["options"] = [dict(option) for option in options]
    return bodies.as_json(sent)


# Users, tokens and reports


def users(page_size: int) -> ApiCall[Page[models.User]]:
    """List users."""
    return _page("/users", models.User.read, limit=page_size)


def user(name: str) -> ApiCall[models.User]:
    """Show a user."""
    return _get(f"/users/{segment(name)}", _value(models.User.read))


def add_user(name: str, password: str, settings: Mapping[str, Any], key: str | None) -> ApiCall[models.User]:
    """Make a user."""
    body = bodies.as_json({"user": name, "password": password, **_settings(settings)})
    return post("/users", _value(models.User.read), body, key)


def update_user(name: str, settings: Mapping[str, Any], revoke_tokens: bool) -> ApiCall[models.User]:
    """Change a user."""
    also = {"revoke_tokens": True} if revoke_tokens else {}  # earlier servers do not know the field
    body = bodies.as_json({**_settings(settings), **also})
    return _patch(f"/users/{segment(name)}", _value(models.User.read), body)


def reset_second_factor(name: str) -> ApiCall[None]:
    """Reset a user's second factor."""
    return ApiCall("DELETE", f"{API}/users/{segment(name)}/second-factor", _nothing, gone="no-second-factor")


def me() -> ApiCall[models.Me]:
    """Show who the caller is."""
    return _get("/me", _value(models.Me.read))


def preferences(kind: str) -> ApiCall[Page[models.Preference]]:
    """List preferences."""
    return _page("/me/preferences", models.Preference.read, kind=kind)


def set_preference(
    kind: str, name: str, value: Mapping[str, str | Sequence[str]], shared: bool
) -> ApiCall[models.Preference]:
    """Store a preference."""
    body = bodies.as_json({"kind": kind, "name": name, "value": dict(value), "shared": shared})
    return ApiCall("PUT", f"{API}/me/preferences", _value(models.Preference.read), body=body)


def delete_preference(kind: str, name: str) -> ApiCall[None]:
    """Delete a preference."""
    params, gone = query({"kind": kind, "name": name}), "preference-not-found"
    return ApiCall("DELETE", f"{API}/me/preferences", _nothing, params, gone=gone)


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings of a user as the API takes them: lists as lists, ``active`` as Y or N."""
    return {
        name: yes_no(value) if name == "active" else list(value) if isinstance(value, tuple | set) else value
        for name, value in given.items()
    }


def tokens(user: str | None) -> ApiCall[Page[models.Token]]:
    """List tokens."""
    return _page("/tokens", models.Token.read, user=user)


@dataclass(frozen=True, slots=True)
class TokenOrder:
    """A token to be made."""

    name: str
    scopes: tuple[str, ...]
    user: str | None = None
    pattern_prefix: str | None = None
    networks: tuple[str, ...] = ()
    expires_at: datetime | None = None

    def call(self) -> ApiCall[models.NewToken]:
        """Return the request, with a key of its own."""
        sent = {name: value for name, value in asdict(self).items() if value is not None}
        if self.expires_at is not None:  # without a zone it is local time here
            sent["expires_at"] = self.expires_at.astimezone().isoformat()
        return post("/tokens", _value(models.NewToken.read), bodies.as_json(sent))


def revoke_token(token_id: int) -> ApiCall[None]:
    """Revoke a token."""
    return ApiCall("DELETE", f"{API}/tokens/{int(token_id)}", _nothing)


def webhooks() -> ApiCall[Page[models.Webhook]]:
    """List webhooks."""
    return _page("/webhooks", models.Webhook.read)


def webhook(webhook_id: int) -> ApiCall[models.Webhook]:
    """Show a webhook."""
    return _get(_webhook(webhook_id), _value(models.Webhook.read))


def _webhook(webhook_id: int) -> str:
    return f"/webhooks/{int(webhook_id)}"


def add_webhook(values: Mapping[str, Any]) -> ApiCall[models.NewWebhook]:
    """Make a webhook."""
    return post("/webhooks", _value(models.NewWebhook.read), _endpoint(values))


def update_webhook(webhook_id: int, values: Mapping[str, Any]) -> ApiCall[models.Webhook]:
    """Change a webhook."""
    return _patch(_webhook(webhook_id), _value(models.Webhook.read), _endpoint(values))


def _endpoint(values: Mapping[str, Any]) -> Body:
    lists = {name: list(value) for name, value in values.items() if isinstance(value, tuple | set)}
    return bodies.as_json({**values, **lists})


def delete_webhook(webhook_id: int) -> ApiCall[None]:
    """Delete a webhook."""
    return ApiCall("DELETE", f"{API}{_webhook(webhook_id)}", _nothing, gone="webhook-not-found")


def rotate_webhook_secret(webhook_id: int, overlap_hours: int) -> ApiCall[models.NewWebhook]:
    """Give a webhook another secret."""
    body = bodies.as_json({"overlap_hours": overlap_hours})
    return post(f"{_webhook(webhook_id)}/secret", _value(models.NewWebhook.read), body)


def webhook_attempts(
    webhook_id: int, outcome: str | None, page_size: int
) -> ApiCall[Page[models.WebhookAttempt]]:
    """List attempts to send something to a webhook."""
    path = f"{_webhook(webhook_id)}/attempts"
    return _page(path, models.WebhookAttempt.read, outcome=outcome, limit=page_size)


def resend_events(webhook_id: int, since: datetime) -> ApiCall[models.Webhook]:
    """Let a webhook begin again at a moment."""
    body = bodies.as_json({"since": since.astimezone().isoformat()})  # without a zone it is local time here
    return post(f"{_webhook(webhook_id)}/resend", _value(models.Webhook.read), body)


def resend_event(webhook_id: int, event_id: str) -> ApiCall[models.WebhookAttempt]:
    """Send an event once more."""
    return _sent_once(f"{_webhook(webhook_id)}/events/{segment(event_id)}/resend")


def test_webhook(webhook_id: int) -> ApiCall[models.WebhookAttempt]:
    """Send a message that says nothing."""
    return _sent_once(f"{_webhook(webhook_id)}/test")


def _sent_once(path: str) -> ApiCall[models.WebhookAttempt]:
    """Return a call that sends a message each time it comes, and waits for the receiver's answer."""
    call = post(path, _value(models.WebhookAttempt.read), bodies.Whole(b""))
    return replace(call, headers={}, repeatable=False, slow=True)


def log(page_size: int, **wanted: Any) -> ApiCall[Page[models.LogLine]]:
    """Read the API log."""
    return _page("/log", models.LogLine.read, **wanted, limit=page_size)


def usage(page_size: int, **wanted: Any) -> ApiCall[Page[models.Usage]]:
    """Tell how much DIDs were called."""
    return _page("/usage", models.Usage.read, **wanted, limit=page_size)


def usage_series(**wanted: Any) -> ApiCall[Page[models.UsageBucket]]:
    """Tell how much DIDs were called over time."""
    return _page("/usage/series", models.UsageBucket.read, **wanted)


def idle(page_size: int, **wanted: Any) -> ApiCall[Page[models.IdleNumber]]:
    """List active DIDs with few calls."""
    return _page("/reports/idle", models.IdleNumber.read, **wanted, limit=page_size)


def unknown(page_size: int, **wanted: Any) -> ApiCall[Page[models.UnknownNumber]]:
    """List numbers that were called without a DID."""
    return _page("/reports/unknown", models.UnknownNumber.read, **wanted, limit=page_size)


def report_calls(source: str, reported: Iterable[Mapping[str, Any]]) -> ApiCall[models.StoredCalls]:
    """Report calls; the server knows those that come again, whatever key they came with."""
    body = bodies.as_json({"source": source, "calls": [_plain(one) for one in reported]})
    return ApiCall("POST", f"{API}/calls", _value(models.StoredCalls.read), body=body)


def _plain(call: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.astimezone().isoformat() if isinstance(value, datetime) else value
        for name, value in call.items()
    }


def inbound_calls(number: str, day: date) -> ApiCall[Page[models.InboundCall]]:
    """List the calls to a number."""
    return _page("/calls", models.InboundCall.read, number=number, date=day)


def version() -> ApiCall[str]:
    """Ask which release the server is."""
    return _get("/openapi.json", lambda answer: str(answer.data["info"]["version"]))
