"""Answers that were recorded from VICIdial, given to the client in answer to the requests that it sends."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx2
import pytest

from didier.client import errors
from didier.client.vicidial import UnexpectedReply, VicidialClient
from didier.client.vicidial.lines import read, read_version
from didier.client.vicidial.parameters import DID_PARAMETERS, USER_PARAMETERS
from support.recorded import RECORDINGS, scenarios

URL = "http://vicidial.example/vicidial/non_agent_api.php"
MOMENTS = {"<NOW>": "2026-03-04 05:06:07", "<EPOCH>": "1772600767", "<RUN_TIME>": "0", "<API_URL>": URL}
DID_COLUMNS = {parameter.name: parameter.column for parameter in DID_PARAMETERS}
USER_COLUMNS = {parameter.name: parameter.column for parameter in USER_PARAMETERS}
COMMON = {"user", "pass", "function", "source"}

VERBS = {
    "add_did": lambda client, sent: client.add(sent.pop("did_pattern"), **columns(sent, DID_COLUMNS)),
    "copy_did": lambda client, sent: client.copy(
        sent.pop("source_did_pattern"), sent.pop("new_dids").split(","), sent.pop("did_description", None)
    ),
    "update_did": lambda client, sent: (
        client.delete(sent["did_pattern"])
        if sent.get("delete_did")
        else client.update(sent.pop("did_pattern"), **columns(sent, DID_COLUMNS))
    ),
    "did_log_export": lambda client, sent: client.did_log(sent["phone_number"], sent["date"]),
    "version": lambda client, sent: client.version(),
    "user_details": lambda client, sent: client.user_details(sent["agent_user"]),
    "add_user": lambda client, sent: client.add_user(
        sent.pop("agent_user"), sent.pop("agent_pass"), **columns(sent, USER_COLUMNS)
    ),
    "copy_user": lambda client, sent: client.copy_user(
        sent["agent_user"],
        sent["agent_pass"],
        full_name=sent["agent_full_name"],
        source_user=sent["source_user"],
    ),
    "update_user": lambda client, sent: (
        client.delete_user(sent["agent_user"])
        if sent.get("delete_user")
        else client.update_user(
            sent.pop("agent_user"), password=sent.pop("agent_pass", None), **columns(sent, USER_COLUMNS)
        )
    ),
}
"""How the client is asked for what was recorded."""


def columns(sent, names):
    return {names.get(name, name): value for name, value in sent.items() if name not in COMMON}


def recorded(recording: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for scenario in scenarios(recording):
        for number, request in enumerate(scenario["requests"], 1):
            settings = scenario["fixture"].get("system_settings", {})
            non_latin = str(settings.get("use_non_latin", 0)) == "1"
            yield f"{scenario['name']} ({number})", {**request, "non_latin": non_latin}


def text_of(response):
    text = response["body"]
    for placeholder, value in MOMENTS.items():
        text = text.replace(placeholder, value)
    return text


def parameters(request):
    """Return the parameters of a recorded request by name, or None if it is not a plain one."""
    pairs = [*request.get("form", []), *request.get("query", [])]
    if not pairs or any("[" in name or "." in name for name, _ in pairs):
        return None
    return dict(pairs)


@dataclass
class Answering:
    """Gives the recorded answer, and keeps what was sent."""

    response: dict[str, Any]
    sent: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.sent.append(dict(parse_qsl(request.content.decode(), keep_blank_values=True)))
        return httpx2.Response(self.response["status"], text=text_of(self.response))


def outcome(request, asked):
    """Ask the client for what was recorded; return what it sent and how that ended."""
    answering = Answering(request["response"])
    source = asked.get("source", "")
    client = VicidialClient(
        URL, asked.get("user", ""), asked.get("pass", ""), transport=httpx2.MockTransport(answering),
        source=source if re.fullmatch("[A-Za-z0-9]{2,20}", source) else "didier", retries=0,
        non_latin=request["non_latin"],
    )  # fmt: skip
    try:
        with client:
            VERBS[asked["function"]](client, dict(asked))
    except (errors.DidierError, KeyError, TypeError) as error:  # what a caller leaves out is no call
        return answering.sent, error
    return answering.sent, None


@pytest.mark.parametrize("recording", RECORDINGS)
def test_every_recorded_line_is_read(recording):
    """Each line that begins as VICIdial's do is taken apart: kind, function, text, user and data."""
    unread = []
    for name, request in recorded(recording):
        text = text_of(request["response"])
        lines = [line for line in text.split("\n") if re.match("SUCCESS|NOTICE|ERROR", line)]
        found = read(text)
        if [line.partition(":")[0] for line in lines] != [line.kind for line in found]:
            unread.append(name)
        unread += [name for line in found if ": |" in line.text or " - " in line.text or "|" in line.text]
        if text.startswith("VERSION") and not read_version(text):
            unread.append(name)

    assert [] == unread


@pytest.mark.parametrize("recording", RECORDINGS)
def test_recorded_answers_are_understood(recording):
    """What the client sends is what was recorded, and no recorded answer to it is unexpected."""
    wrong, sent_as_recorded = {}, 0
    for name, request in recorded(recording):
        asked = parameters(request)
        if not asked or asked.get("function") not in VERBS:
            continue
        sent, error = outcome(request, asked)
        if not sent or not same(sent[0], asked, request["response"]):
            continue  # the client refuses it, or has no words for it
        sent_as_recorded += 1
        reason = getattr(error, "reason", error)
        if isinstance(reason, UnexpectedReply | KeyError | TypeError):
            wrong[name] = repr(error)

    assert {} == wrong
    assert sent_as_recorded >= MANY.get(recording, 1)


MANY = {"add_did": 30, "copy_did": 25, "update_did": 25, "auth": 15, "dispatch": 0, "server_refresh": 0}
"""How many of the recorded requests the client sends as they are, at least."""


def same(sent, asked, response):
    """Say whether a request is the recorded one.

    Who asks for a version does not count, nor how the rows would look where the answer has none.
    """
    asked = dict(asked)
    if sent["function"] == "version":
        asked = {"function": "version"}
    if sent["function"] == "did_log_export" and response["body"].startswith("ERROR"):
        asked["stage"] = "tab"
    return {**sent, "source": ""} == {**asked, "source": ""} or sent == asked
