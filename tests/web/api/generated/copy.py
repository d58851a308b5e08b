"""The tutorial's copy, by the client that openapi-python-client makes: run with the address and a token."""

import json
import sys

from didier_api import AuthenticatedClient
from didier_api.api.batches import order_batch
from didier_api.api.copies import copy_did
from didier_api.api.dids import get_did, list_dids
from didier_api.models import BatchWithItems, CopyBody, CopyBodyOverrides, Did, Dids, Problem, UpdateBody

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2])
body = CopyBody(
    source="18001234567",
    targets=["18002223333"],
    overrides=CopyBodyOverrides.from_dict({"did_active": "Y"}),
)

made = copy_did.sync(client=client, body=body)
assert isinstance(made, BatchWithItems), made
again = copy_did.sync(client=client, body=body)
assert isinstance(again, Problem), again
changed = order_batch.sync(
    client=client,
    body=UpdateBody.from_dict(
        {"verb": "update", "targets": ["18002223333"], "values": {"did_description": "Generated"}}
    ),
)
assert isinstance(changed, BatchWithItems), changed
listed = list_dids.sync(client=client, search="1800222")
assert isinstance(listed, Dids), listed
did = get_did.sync("18002223333", client=client)
assert isinstance(did, Did), did

print(json.dumps({
    "made": [[item.target, item.outcome] for item in made.items],
    "again": again.type_,
    "changed": did.did_description,
    "listed": [one.did_pattern for one in listed.items],
}))  # fmt: skip
