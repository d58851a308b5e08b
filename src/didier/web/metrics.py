"""What is counted, in Prometheus' format."""

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from didier.runtime.calls import Calls
from didier.runtime.leases import Leased
from didier.runtime.runtime import Runtime
from didier.vicidial.functions import FUNCTIONS, OPEN_FUNCTIONS
from didier.vicidial.replies.lines import Reply

_NAMES = frozenset({*FUNCTIONS, *OPEN_FUNCTIONS})


class Metrics:
    """The counters of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._lines = Counter(
            "didier_api_lines",
            "Answer lines of the Non-Agent API",
            ("function", "result"),
            registry=self.registry,
        )
        self._kinds: dict[tuple[str, str], Counter] = {}  # looking a label up takes longer than counting
        self._orders = Histogram(
            "didier_commit_orders",
            "Orders that shared a commit",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "didier_commit_seconds",
            "Time that a transaction took, commit included",
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
            registry=self.registry,
        )
        self._waiting = Gauge(
            "didier_waiting_orders", "Orders that wait to be stored", registry=self.registry
        )
        self._leases = Gauge(
            "didier_lease_held",
            "Whether this process does a job that only one may do: 1 or 0",
            ("lease",),
            registry=self.registry,
        )

        self._lag = Gauge(
            "didier_reconcile_lag_seconds",
            "How old what was done to DIDs beside Didier can be without being in the change log",
            registry=self.registry,
        )
        self._outside = Counter(
            "didier_outside_changes",
            "Changes of DIDs that were made beside Didier, as this process found them",
            ("action",),
            registry=self.registry,
        )
        self._unlogged = Counter(
            "didier_call_log_rows_lost",
            "Rows of calls that could not be written to VICIdial's logs",
            ("table",),
            registry=self.registry,
        )
        self._webhooks = Counter(
            "didier_webhook_attempts",
            "Attempts to send an event to a webhook, by what became of them: taken, repeated or failed",
            ("outcome",),
            registry=self.registry,
        )
        self._calls = Counter(
            "didier_calls",
            "Calls about which Asterisk has asked, by how they ended, and connections that came to no call",
            ("result",),
            registry=self.registry,
        )
        self._routing = Histogram(
            "didier_call_routing_seconds",
            "Time from the connection of Asterisk to the end of its dialogue, for each call",
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
            registry=self.registry,
        )

        self._outage = Gauge(
            "didier_calls_without_database_seconds",
            "How long calls have done without the database by now; 0 while it answers",
            registry=self.registry,
        )
        self._replica_age = Gauge(
            "didier_replica_age_seconds",
            "How long ago the replica for calls was as the database last; NaN before it is complete",
            registry=self.registry,
        )
        self._replica_dids = Gauge(
            "didier_replica_dids", "DIDs in the replica for calls", registry=self.registry
        )
        self._spooled = Gauge(
            "didier_spooled_calls",
            "Calls whose rows wait for the database on the disk",
            registry=self.registry,
        )

    def watch(self, runtime: Runtime) -> None:
        """Show and count what *runtime* does."""
        self._waiting.set_function(lambda: runtime.committer.waiting)
        for leased in runtime.leases.all:
            self._leases.labels(leased.name).set_function(partial(_is_held, leased))
        self._lag.set_function(lambda: runtime.reconciler.lag_seconds)
        runtime.reconciler.observe = lambda change: self._outside.labels(change.action).inc()
        runtime.webhooks.observe = lambda outcome: self._webhooks.labels(outcome).inc()
        runtime.committer.observe = self._observe_commit
        if runtime.calls:
            self.watch_calls(runtime.calls)

    def watch_calls(self, calls: Calls) -> None:
        """Show and count what becomes of *calls*."""
        calls.live.observe = self._observe_call
        calls.log.observe = lambda table: self._unlogged.labels(table).inc()
        self._outage.set_function(lambda: calls.outage.seconds)
        if (replica := calls.replica) is not None:
            self._replica_age.set_function(lambda: replica.age_seconds)
            self._replica_dids.set_function(lambda: replica.size)
        if (spool := calls.spool) is not None:
            self._spooled.set_function(lambda: spool.waiting)

    def _observe_commit(self, size: int, seconds: float) -> None:
        self._orders.observe(size)
        self._seconds.observe(seconds)

    def _observe_call(self, result: str, seconds: float | None) -> None:
        self._calls.labels(result).inc()
        if seconds is not None:
            self._routing.observe(seconds)

    def count_reply(self, function: str, reply: Reply) -> None:
        """Count the lines of an answer."""
        name = function if function in _NAMES else "other"
        for line in reply.lines:
            kind = name, line.result
            if kind not in self._kinds:
                self._kinds[kind] = self._lines.labels(*kind)
            self._kinds[kind].inc()

    def page(self) -> tuple[bytes, str]:
        """Return the page to be scraped and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST


def _is_held(leased: Leased) -> int:
    return int(leased.lease is not None)
