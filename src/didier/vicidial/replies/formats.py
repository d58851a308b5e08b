"""The formats of an answer: VICIdial's lines, or with ``format=json`` one JSON object.

The object has ``function``, ``result`` (SUCCESS, NOTICE or ERROR), ``reason``, ``data`` and ``lines``, the
answer as it would have been without the format. ``copy_did`` adds ``batch_id`` and ``items``, reports add
``rows``, the functions that change one DID its ``did_id`` and the ``batch_id`` of the change. A ``warning``
says what is odd about a DID, which VICIdial would create or change without a word.
"""

from typing import Any

import orjson

from didier import errors
from didier.domain import plausibility
from didier.services.batches.copies import Copied, CopyOutcome, CopyResult
from didier.services.batches.edits import Done
from didier.services.usage.reports import Table
from didier.services.users import accounts
from didier.vicidial.call import Call
from didier.vicidial.replies.lines import Line, Reply

# VICIdial says text/html (tests/conformance/behaviour.md, section 1): a browser would run what a caller has
# sent and the answer repeats.
TEXT = b"text/plain; charset=utf-8"
JSON = b"application/json"


def encode(call: Call, reply: Reply) -> tuple[bytes, bytes]:
    """Return the content type and the bytes of an answer in the format that *call* asks for."""
    if call.in_json:
        return JSON, _json(call, reply)
    return TEXT, reply.body.encode()


def _json(call: Call, reply: Reply) -> bytes:
    if reply.sent is not None:
        return reply.sent.encode()
    line = _telling(reply)
    answer = {
        "function": call.function,
        "result": line.result,
        "reason": line.reason,
        "data": line.data,
        "lines": [text for shown in reply.lines for text in shown.text.split("\n")],
        **_details(call, reply.outcome),
    }
    return orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE)


def _telling(reply: Reply) -> Line:
    """Return the line that tells the result of all: one of success, else the last."""
    good = [line for line in reply.lines if line.result == "SUCCESS"]
    return (good or reply.lines)[-1]


def _warning(call: Call, outcome: Done) -> dict[str, str]:
    doubt = plausibility.doubt(outcome.pattern) if call.function == "add_did" else None
    told = "; ".join(filter(None, [f"implausible: {doubt}" if doubt else "", outcome.note]))
    return {"warning": told} if told else {}


def _details(call: Call, outcome: object) -> dict[str, Any]:
    match outcome:
        case CopyResult():
            items = [_item(item, outcome.dry_run) for item in outcome.items]
            return {"dry_run": outcome.dry_run, "batch_id": outcome.batch_id or None, "items": items}
        case Done():
            return {
                "dry_run": outcome.dry_run,
                "batch_id": outcome.batch_id or None,
                "pattern": outcome.pattern,
                "did_id": outcome.did_id or None,
                **_warning(call, outcome),
            }
        case accounts.UserChanged():
            return {"dry_run": outcome.dry_run, "user": outcome.name}
        case Table():
            more = {} if outcome.following is None else {"next_offset": outcome.following}
            return {"rows": [dict(zip(outcome.columns, row, strict=True)) for row in outcome.rows], **more}
        case _:
            return {}


def _item(item: CopyOutcome, dry_run: bool) -> dict[str, Any]:
    match item:
        case Copied():
            outcome = "new" if dry_run else "added"
            shown = {"pattern": item.pattern, "did_id": item.did_id or None, "outcome": outcome}
            return {**shown, "warning": item.note} if item.note else shown
        case errors.AlreadyExists():
            return {"pattern": item.pattern, "did_id": None, "outcome": "exists"}
        case _:
            shown = {"pattern": item.pattern, "did_id": None, "outcome": "invalid"}
            return {**shown, "problem": item.reason}
