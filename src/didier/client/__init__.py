"""The client library: Didier's JSON API from Python, on httpx2 alone.

    from didier.client import Didier

    with Didier("http://127.0.0.1:8080", "admin", "1234") as client:
        batch = client.copy("18001234567", to=["18002223333"], active=True)

`AsyncDidier` is the same for programs that await. `didier.client.errors` has all that goes wrong.
"""

from didier.client.awaiting import AsyncBatch, AsyncDestinations, AsyncDidier, AsyncPreview
from didier.client.blocking import Batch, Destinations, Didier, Preview
from didier.client.events import ChangedBatch, ChangedDid, ChangedUser, ChangeEvent
from didier.client.exporting import Exported
from didier.client.models import (
    CallRoute,
    Change,
    CheckedDid,
    Destination,
    Did,
    DidFinding,
    Difference,
    Gateway,
    GatewayRule,
    GatewaySet,
    Import,
    ImportedItem,
    InboundCall,
    Item,
    LogLine,
    NewToken,
    NewWebhook,
    OrderPreview,
    Previewed,
    PreviewTotals,
    RouteGateways,
    RouteStep,
    RouteTarget,
    Sample,
    Schedule,
    SpecialDay,
    TargetProblem,
    Token,
    Totals,
    Usage,
    User,
    Webhook,
    WebhookAttempt,
)

__all__ = [
    "AsyncBatch",
    "AsyncDestinations",
    "AsyncDidier",
    "AsyncPreview",
    "Batch",
    "CallRoute",
    "Change",
    "ChangeEvent",
    "ChangedBatch",
    "ChangedDid",
    "ChangedUser",
    "CheckedDid",
    "Destination",
    "Destinations",
    "Did",
    "DidFinding",
    "Didier",
    "Difference",
    "Exported",
    "Gateway",
    "GatewayRule",
    "GatewaySet",
    "Import",
    "ImportedItem",
    "InboundCall",
    "Item",
    "LogLine",
    "NewToken",
    "NewWebhook",
    "OrderPreview",
    "Preview",
    "PreviewTotals",
    "Previewed",
    "RouteGateways",
    "RouteStep",
    "RouteTarget",
    "Sample",
    "Schedule",
    "SpecialDay",
    "TargetProblem",
    "Token",
    "Totals",
    "Usage",
    "User",
    "Webhook",
    "WebhookAttempt",
]
