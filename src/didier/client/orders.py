"""Orders about many DIDs as requests: in JSON when they are short, else with the targets as the body."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from didier.client import bodies, models
from didier.client.bodies import Body, Table, Targets
from didier.client.calls import Answer, ApiCall, filters, post, whole
from didier.client.table_reading import AS_IT_IS, TableReading
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
    reading: TableReading = AS_IT_IS

    def __post_init__(self) -> None:
        _check_reading(self.reading, self.csv)
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
            "dry_run": dry_run, **self.reading.in_json,
        }  # fmt: skip
        if self.description_template is not None:
            order["description_template"] = self.description_template
        return post("/copies", whole, bodies.as_json(order), self.idempotency_key)

    def _with_text(self, body: Body, dry_run: bool) -> ApiCall[Answer]:
        return post(
            "/copies", whole, body, self.idempotency_key, source=self.source, mode=_mode(self.atomic),
            dry_run=dry_run or None, description_template=self.description_template,
            set=_typed(self.overrides), **self.reading.parameters,
        )  # fmt: skip


def _check_reading(reading: TableReading, csv: Table | None) -> None:
    if csv is None and (reading.mapping or reading.ignore_columns):
        raise TypeError("mapping and ignore_columns go with csv")


EDITS = ("add", "update", "delete", "import")
"""The verbs of orders that edit DIDs."""


@dataclass(frozen=True, slots=True)
class EditRequest:
    """An order to *verb* the DIDs of *to* or of *csv*, or those that meet the conditions *where*."""

    verb: str
    to: Targets | None = None
    where: Mapping[str, Any] | None = None
    csv: Table | None = None
    set: Mapping[str, Given] | None = None
    force: bool = False
    existing: str = "refuse"
    atomic: bool = True
    idempotency_key: str | None = None
    reading: TableReading = AS_IT_IS
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    drift: str | None = None
    drift_fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_reading(self.reading, self.csv)
        if self.verb not in EDITS:
            raise ValueError(f"{self.verb!r} is no verb of orders; {', '.join(EDITS)} are")
        if sum(given is not None for given in (self.to, self.where, self.csv)) != 1:
            raise TypeError("give one of to, where and csv: the DIDs")
        for name, verbs, given in (
            ("to", {"add", "update", "delete"}, self.to is not None),
            ("where", {"update", "delete"}, self.where is not None),
            ("set", {"add", "update"}, bool(self.set)),
            ("add_tags", {"update"}, bool(self.add_tags)),
            ("remove_tags", {"update"}, bool(self.remove_tags)),
            ("drift", {"update"}, self.drift is not None),
            ("drift_fields", {"update"}, bool(self.drift_fields)),
            ("force", {"delete"}, self.force),
            ("existing", {"import"}, self.existing != "refuse"),
            ("allow_nowhere", {"add", "update", "import"}, self.reading.allow_nowhere),
        ):
            if given and self.verb not in verbs:
                raise TypeError(f"{name} goes with {' and '.join(sorted(verbs))}, not with {self.verb}")

    def call(self, *, dry_run: bool) -> ApiCall[Answer]:
        """Return the request, as JSON when it is short, else with the targets as its body."""
        return replace(self._call(dry_run), slow=True)

    def _call(self, dry_run: bool) -> ApiCall[Answer]:
        if self.where is not None:
            return self._with_json({"where": _conditions(self.where)}, dry_run)
        if self.csv is not None:
            return self._with_text(bodies.table(self.csv), dry_run)
        listed, body = bodies.targets(self.to or ())
        return (
            self._with_json({"targets": listed}, dry_run) if body is None else self._with_text(body, dry_run)
        )

    def _with_json(self, which: Mapping[str, Any], dry_run: bool) -> ApiCall[Answer]:
        mode = _mode(self.atomic)
        order = {"verb": self.verb, "mode": mode, "dry_run": dry_run, **which, **self.reading.in_json}
        if self.set:
            order["values"] = columns(self.set)
        order |= self._of_each
        if self.force:
            order["force"] = True
        return post("/batches", whole, bodies.as_json(order), self.idempotency_key)

    def _with_text(self, body: Body, dry_run: bool) -> ApiCall[Answer]:
        return post(
            "/batches", whole, body, self.idempotency_key, verb=self.verb, mode=_mode(self.atomic),
            dry_run=dry_run or None, set=_typed(columns(self.set or {})) or None, force=self.force or None,
            existing=self.existing if self.verb == "import" else None, **self._of_each,
            **self.reading.parameters,
        )  # fmt: skip

    @property
    def _of_each(self) -> dict[str, str | list[str]]:
        named = {
            "add_tags": self.add_tags, "remove_tags": self.remove_tags, "drift_fields": self.drift_fields,
        }  # fmt: skip
        listed: dict[str, str | list[str]] = {name: list(words) for name, words in named.items() if words}
        return listed | ({"drift": self.drift} if self.drift else {})


def _conditions(where: Mapping[str, Any]) -> dict[str, Any]:
    """Return conditions as the API takes them; raises `TypeError` for what is none.

    Every number has an empty text in it: a variable that was not filled would mean all DIDs.
    """
    given = {name: value for name, value in filters(**where).items() if value is not None}
    if empty := [name for name in ("search", "carrier") if name in given and not str(given[name]).strip()]:
        raise ValueError(f"{empty[0]} is empty: every DID meets that")
    return given
