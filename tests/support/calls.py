"""The Non-Agent API without HTTP, on any database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any
from urllib.parse import urlencode

import orjson
from sqlalchemy.engine import Engine

from didier.runtime import pipeline
from didier.runtime.pipeline import Proven
from didier.runtime.requests import AccessRecord
from didier.services.users import authentication, passwords
from didier.services.users.authentication import Caller
from didier.services.users.passwords import Proof
from didier.storage.database import reading
from didier.storage.statements import run
from didier.storage.users import users
from didier.vicidial import functions
from didier.vicidial.call import MASKING, Call, read_parameters
from didier.vicidial.replies import formats
from didier.vicidial.replies.lines import Reply
from didier.vicidial.requests import CallRequest

LOGIN = {"user": "admin", "pass": "1234", "source": "test"}
SOURCE = "18001234567"


class Api:
    """Answers calls as the server does, at the moment *now*."""

    def __init__(self, engine: Engine, now: datetime, *, non_latin: bool = False) -> None:
        self.engine = engine
        self.now = now
        self.non_latin = non_latin

    def call(self, function: str | None, **parameters: str | None) -> str:
        """Return the body of the answer; parameters whose value is None are left out."""
        return self.together({"function": function, **parameters})[0]

    def tutorial(self, target: str, **parameters: str | None) -> str:
        """Return the answer to a copy in the tutorial's dialect."""
        copy = {"did_pattern": SOURCE, "new_did_pattern": target, "did_active": "Y"}
        return self.call("copy_did", **{**copy, **parameters})

    def json(self, function: str | None, **parameters: str | None) -> dict[str, Any]:
        """Return the answer in JSON."""
        answer: dict[str, Any] = orjson.loads(self.call(function, format="json", **parameters))
        return answer

    def together(self, *requests: Mapping[str, str | None]) -> list[str]:
        """Return the bodies of the answers to requests that share a transaction."""
        proven = self.proven([{**LOGIN, **request} for request in requests])
        reads = [one for one in proven if one.request.report]
        writes = [one for one in proven if not one.request.report]
        with self.engine.begin() as conn:
            replies = iter(pipeline.carry_out(conn, writes, lambda: self.now))
            callers = iter(pipeline.authorize(conn, reads, lambda: self.now))
        return [
            self._read(one.request, next(callers))
            if one.request.report
            else _body(one.request, next(replies))
            for one in proven
        ]

    def proven(self, requests: Sequence[Mapping[str, str | None]]) -> list[Proven[Reply]]:
        """Return requests whose passwords were compared."""
        calls = [self._call(parameters) for parameters in requests]
        with reading(self.engine) as conn:
            stored = {
                user: authentication.stored_password(conn, user) for user in {call.user for call in calls}
            }
            hashing, keeps_plain = users.hashing(conn), users.keeps_plain(conn)
        to_store = cache(partial(passwords.to_store, hashing=hashing, keeps_plain=keeps_plain))
        for call in calls:
            if password := functions.new_password(call):
                call.new_password = to_store(password)
        return [
            Proven(CallRequest(call), Proof(stored[call.user], matched=call.raw("pass") == LOGIN["pass"]))
            for call in calls
        ]

    def _call(self, parameters: Mapping[str, str | None]) -> Call:
        query = urlencode({name: value for name, value in parameters.items() if value is not None}).encode()
        return Call(
            parameters=read_parameters(query),
            non_latin=self.non_latin,
            address="192.0.2.1",
            script="http://localhost/vicidial/non_agent_api.php",
            host="localhost",
            url=f"?{MASKING.query(query)}",
            received=self.now.timestamp(),
        )

    def _read(self, request: CallRequest, found: Caller | Reply) -> str:
        """Answer a call that only reads, if its caller may."""
        if isinstance(found, Reply) or request.report is None:
            return _body(request, found)
        with reading(self.engine) as conn:
            reply = request.report.read(conn, request.call, found)
        with self.engine.begin() as conn:
            pipeline.log(conn, [AccessRecord(request, found, reply)], lambda: self.now)
        return _body(request, reply)

    def sql(self, statement: str, *values: object) -> Sequence[tuple[Any, ...]]:
        """Run a statement on the database; return its rows."""
        with self.engine.begin() as conn:
            return run(conn, statement, *values)

    def patterns(self) -> list[str]:
        """Return the patterns of all DIDs in the order in which they were made."""
        return [row[0] for row in self.sql("SELECT did_pattern FROM vicidial_inbound_dids ORDER BY did_id")]

    def limit_to(self, groups: str) -> None:
        """Let the user admin see only DIDs of *groups*."""
        self.sql("UPDATE vicidial_user_groups SET admin_viewable_groups = ?", groups)


def _body(request: CallRequest, reply: Reply) -> str:
    return formats.encode(request.call, reply)[1].decode()
