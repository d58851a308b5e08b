"""``/bulk``: what is done to many DIDs that were chosen in their list, with a preview, as one batch."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette_admin.routing import route

from didier.domain import fields
from didier.domain.drift import APPLY, KEEP
from didier.domain.fields import BY_COLUMN, Field
from didier.errors import Refusal
from didier.services.dids import lookup
from didier.services.dids.lookup import Wanted
from didier.services.users.authentication import Caller
from didier.storage.dids import pages
from didier.storage.dids.pages import Row, Sort
from didier.web.admin import forms
from didier.web.admin.dids import filters_of, said_filters
from didier.web.admin.forms import Input
from didier.web.admin.page import PanelPage, address
from didier.web.api.dids import CHOSEN_MOST
from didier.web.api.operations import Permission

LOOKED_AT = 50
"""Of how many chosen DIDs the form looks what they have in common."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that is done to the chosen DIDs: an order of *verb*, which *does* it and has *done* it."""

    title: str
    verb: str
    does: str
    done: str
    values: Mapping[str, str] = field(default_factory=dict)
    drift: str = ""  # what becomes of differences to sources

    @property
    def rights(self) -> tuple[str, ...]:
        """What the user must be allowed to do."""
        return ("update_did", "delete_did") if self.verb == "delete" else ("update_did",)


ACTIONS = {
    "activate": Action("Activate DIDs", "update", "activate", "activated", {"did_active": "Y"}),
    "deactivate": Action("Deactivate DIDs", "update", "deactivate", "deactivated", {"did_active": "N"}),
    "edit": Action("Edit DIDs", "update", "change", "changed"),
    "lock": Action("Lock DIDs against deletion", "update", "lock", "locked", {"locked": "Y"}),
    "unlock": Action("Unlock DIDs", "update", "unlock", "unlocked", {"locked": "N"}),
    "apply": Action("Apply the source again", "update", "update", "updated", drift=APPLY),
    "keep": Action("Keep as exceptions", "update", "keep exceptions of", "kept as exceptions", drift=KEEP),
    "delete": Action("Delete DIDs", "delete", "delete", "deleted"),
}


TAG_CHANGES = (
    Input(Field("add_tags", fields.tags, "Each DID gets these beside its own, divided by commas",
                label="Add tags"), "", True),
    Input(Field("remove_tags", fields.tags, "Taken from each DID, divided by commas; its others stay",
                label="Remove tags"), "", True),
)  # fmt: skip
"""What the form asks of tags beside a new set of them."""


class BulkPage(PanelPage):
    """A form and a preview; its script orders, and leads to the batch."""

    path = "/bulk"
    guide = "bulk-edits"
    add_to_menu = False
    permission = Permission("list_dids", "dids:read")

    @route("")
    async def index(self, request: Request) -> Response:
        """Show what would be done to the DIDs that were chosen: by number, or by the filters of the list."""
        name = request.query_params.get("action", "")
        filters = {name: value for name, value in filters_of(request).items() if value}
        every = request.query_params.get("all") == "1"
        chosen = [] if every else _chosen(request)
        where = filters if every else {}
        if name == "export":
            return RedirectResponse(address("api", "v1", "exports", "dids.csv", did=chosen, **where), 303)
        if name == "copy":
            return RedirectResponse(address("copy", source=chosen[0] if chosen else ""), 303)
        action = ACTIONS.get(name)
        if action is None:
            raise HTTPException(404, "There is no such action.")
        for right in action.rights:
            self.demand(request, right)
        contexts = self.desk.context.dialplan_contexts
        wanted = Wanted(dids=chosen) if chosen else Wanted(**where, contexts=contexts)

        def read(conn: Connection, caller: Caller) -> dict[str, Any] | Refusal:
            found = lookup.page(conn, caller, wanted, Sort(), LOOKED_AT)
            if isinstance(found, Refusal):
                return found
            known = common(found.rows)
            return {"known": known, "groups": _inputs(pages.settable(conn))}

        found = await self.read(request, read) if chosen or where else {"known": {}, "groups": []}
        order = {"verb": action.verb, **({"targets": chosen} if chosen else {"where": where})}
        order |= {"drift": action.drift} if action.drift else {}
        return self.render(
            request, "bulk.html", action.title, name=name, action=action, chosen=chosen,
            where=said_filters(where), order=json.dumps(order), values=json.dumps(action.values),
            known=json.dumps(found["known"]), groups=found["groups"], labels=json.dumps(_LABELS),
            back=_back(action, filters),
        )  # fmt: skip


_LABELS = {field.column: field.label for field in BY_COLUMN.values()}


def _back(action: Action, filters: Mapping[str, str]) -> str:
    """Return the address of the list in which DIDs are chosen for *action*."""
    if action.drift:
        return address("reports", "drift", source=filters.get("copied_from"))
    return address("dids", **filters)


def _chosen(request: Request) -> list[str]:
    return list(dict.fromkeys(request.query_params.getlist("did")))[:CHOSEN_MOST]


def _inputs(there: Collection[str]) -> list[tuple[str, list[Input]]]:
    """Return the inputs of the form by heading: those of fields, and beside tags what becomes of these."""
    groups = forms.inputs({}, there)
    return [
        (group, [one for input in inputs for one in _with_tag_changes(input)]) for group, inputs in groups
    ]


def _with_tag_changes(input: Input) -> tuple[Input, ...]:
    return (input, *TAG_CHANGES) if input.field.column == "tags" else (input,)


def common(rows: Sequence[Row]) -> dict[str, str]:
    """Return the columns that are alike in all *rows*, as texts: by these a form knows which fields count."""
    if not rows:
        return {}
    first, *others = rows
    alike = (name for name in first if all(row.get(name) == first[name] for row in others))
    return {name: str(first[name]) for name in alike if first[name] is not None}
