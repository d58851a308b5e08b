"""How some DIDs of an order are and how they would be, for its preview."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from didier.domain import fields
from didier.domain.drift import Differences
from didier.domain.inputs import Row
from didier.services.batches.edit_spec import EditSpec
from didier.services.batches.previews import Difference
from didier.services.dids import origins
from didier.services.users.authentication import Caller
from didier.storage.changes.change_log import Image
from didier.storage.dids import dids

SHOWN = 20
"""How many DIDs a sample has."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """A DID of an order: its description now, and the fields that would be others."""

    target: str
    description: str
    differs: Mapping[str, Difference]


def sample(conn: Connection, caller: Caller, spec: EditSpec, rows: Sequence[Row]) -> list[Sampled]:
    """Return what would become of the DIDs of *rows*, which the *caller* sees; new ones are left out."""
    found = dids.find(conn, {row.target for row in rows})
    there = [(row, did) for row in rows if (did := found.get(row.target))]
    images = dids.images(conn, {did.did_id for _, did in there})
    drifted = origins.drift(conn, caller.visibility, images) if spec.drift else {}
    return [
        _sampled(spec, row, image, drifted.get(did.did_id, {}))
        for row, did in there
        if (image := images.get(did.did_id))
    ]


def _sampled(spec: EditSpec, row: Row, image: Image, drifted: Differences) -> Sampled:
    values = {} if spec.verb == "delete" else spec.tags.values(spec.changed(row), image)
    values = {**values, **spec.drift.values(drifted, image)}
    after = fields.updated(image, values)
    differs = {name: Difference(image[name], after[name]) for name in image if image[name] != after[name]}
    return Sampled(row.target, str(image.get("did_description") or ""), differs)
