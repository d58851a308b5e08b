"""The types of events that followers of changes hear of, and which of them somebody wants."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from didier.errors import InvalidField

DID_CREATED, DID_UPDATED, DID_DELETED = "did.created", "did.updated", "did.deleted"
BATCH_CREATED, BATCH_FINISHED = "batch.created", "batch.finished"
USER_CREATED, USER_UPDATED, USER_DELETED = "user.created", "user.updated", "user.deleted"
GATEWAY_SET_STORED, GATEWAY_SET_DELETED = "gateway_set.stored", "gateway_set.deleted"
WEBHOOK_DISABLED = "webhook.disabled"
CHECK_FAILED, CHECK_PASSED = "check.failed", "check.passed"

TOLD: Mapping[str, str] = MappingProxyType({
    DID_CREATED: "A DID, or a run of them, was created",
    DID_UPDATED: "A DID was changed",
    DID_DELETED: "A DID, or a run of them, was deleted",
    BATCH_CREATED: "A large batch was ordered",
    BATCH_FINISHED: "A batch is done, has failed, or was undone",
    USER_CREATED: "A user was added",
    USER_UPDATED: "A user was changed",
    USER_DELETED: "A user was deleted",
    GATEWAY_SET_STORED: "A gateway set was added or changed",
    GATEWAY_SET_DELETED: "A gateway set was deleted",
    WEBHOOK_DISABLED: "Nothing is sent to an endpoint of webhooks any more",
    CHECK_FAILED: "Something is wrong with a DID, or a run of them, that was not before",
    CHECK_PASSED: "Nothing is wrong any more with a DID, or a run of them",
})  # fmt: skip
"""What each type of event says: what it is about, and what happened to it."""

TYPES = tuple(TOLD)

SUBJECTS = tuple(dict.fromkeys(name.partition(".")[0] for name in TYPES))
"""What events are about."""


def wanted(names: Iterable[str]) -> frozenset[str] | InvalidField:
    """Return the types that *names* stand for: types, or ``did.*`` for some; none stands for all."""
    found: set[str] = set()
    for name in names:
        subject, _, what = name.partition(".")
        meant = [one for one in TYPES if name == one or (what == "*" and one.startswith(f"{subject}."))]
        if not meant:
            whole = ", ".join(f"{one}.*" for one in SUBJECTS)
            return InvalidField("types", name, f"{', '.join(TYPES)}, {whole}")
        found.update(meant)
    return frozenset(found or TYPES)
