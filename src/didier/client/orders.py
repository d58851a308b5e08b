"""Orders about many DIDs as requests: in JSON when they are short, else with the targets as the body."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from didier.client import bodies, models
from didier.client.bodies import Body, Table, Targets
from didier.client.calls import Answer, ApiCall, post, whole
from didier.client.values import Given, columns


def _mode(atomic: bool) -> str:
    return "atomic" if atomic else "best_effort"


def _typed(values: Mapping[str, models.Value]) -> list[str]:
    """Return columns and values as parameters."""
    return [f"{name}={'' if value is None else value}" for name, value in values.items()]


@dataclass(frozen=True, slots=True)
class CopyRequest:
    """An order to copy *source*: to *to*, or to what stands in *csv*."""

    source: str
    to: Targets | None = None
    csv: Table | None = None
    active: bool | None = None
    description: str | None = None
    description_template: str | None = None
    set: Mapping[str, Given] | None = None
    atomic: bool = True
    idempotency_key: str | None = None

    def __post_init__(self) -> None:
        if (self.to is None) == (self.csv is None):
            raise TypeError("give either to or csv: the DIDs to create")

    @property
    def overrides(self) -> dict[str, models.Value]:
        """Columns in which all copies differ from the source."""
        named: dict[str, Given] = {"active": self.active, "description": self.description}
        given = {name: value for name, value in named.items() if value is not None}
        return {**columns(self.set or {}), **columns(given)}

    def call(self, *, dry_run: bool) -> ApiCall[Answer]:
        """Return the request, as JSON when it is short, else with the targets as its body."""
        listed, body = (
            (None, bodies.table(self.csv)) if self.csv is not None else bodies.targets(self.to or ())
        )
        call = self._with_list(listed, dry_run) if body is None else self._with_text(body, dry_run)
        return replace(call, slow=True)

    def _with_list(self, listed: list[Any] | None, dry_run: bool) -> ApiCall[Answer]:
        order = {
            "source": self.source, "targets": listed, "overrides": self.overrides, "mode": _mode(self.atomic),
            "dry_run": dry_run,
        }  # fmt: skip
        if self.description_template is not None:
            order["description_template"] = self.description_template
        return post("/copies", whole, bodies.as_json(order), self.idempotency_key)

    def _with_text(self, body: Body, dry_run: bool) -> ApiCall[Answer]:
        return post(
            "/copies", whole, body, self.idempotency_key, source=self.source, mode=_mode(self.atomic),
            dry_run=dry_run or None, description_template=self.description_template,
            set=_typed(self.overrides),
        )  # fmt: skip
