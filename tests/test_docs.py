import base64
import importlib
import json
import re
import shlex
import sys
import urllib.parse
from pathlib import Path

import pytest

from didier import tutorial
from didier.agi.session import SCRIPTS
from didier.cli import reference
from didier.config import PREFIX, Settings
from didier.domain.accounts import USER_FIELDS
from didier.domain.fields import BY_COLUMN, DID_FIELDS, KINDS, UNCHECKED_BY_VICIDIAL
from didier.domain.scopes import SCOPES
from didier.runtime.calls import PORT
from didier.storage.tables import CALL_RIGHTS, DIDIER_RIGHTS, DIDIER_TABLES, OPTIONAL_RIGHTS, RIGHTS
from didier.vicidial.call import BLANK
from didier.vicidial.functions import FUNCTIONS
from didier.vicidial.replies import users
from didier.vicidial.replies.dids import FIELD_ERRORS
from didier.web.api import problems
from didier.web.legacy import PATH

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "scripts"))
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.joinpath("docs").rglob("*.md")])


def table(page: str, heading: str) -> list[list[str]]:
    """Return the rows of the first table with *heading* in its head."""
    text = ROOT.joinpath(page).read_text()
    lines = iter(text.splitlines())
    rows = []
    for line in lines:
        if line.startswith("|") and heading in line:
            next(lines)
            break
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


def test_every_setting_is_in_the_reference():
    """The settings page has each setting with its variable, default and help, and no other."""
    documented = {
        row[0]: (row[1], row[3], row[4]) for row in table("docs/reference/settings.md", "environment")
    }

    assert {
        f"`{name}`": (f"`{PREFIX}{name.upper()}`", f"`{field.default}`", field.description)
        for name, field in Settings.model_fields.items()
    } == documented


def test_the_page_of_events_is_as_the_code_says():
    """`make docs` would change nothing."""
    text = ROOT.joinpath("docs/reference/events.md").read_text()

    assert importlib.import_module("events").page(text) == text


def test_every_function_is_in_the_reference():
    """The API page has each function that may be called."""
    documented = {
        row[0].strip("`") for row in table("docs/reference/non-agent-api.md", "function | parameters")
    }

    assert {*FUNCTIONS, "version"} == documented


def test_every_field_is_in_the_reference():
    """The API page has each field with its parameter, what is allowed, and whether it can be emptied."""
    documented = {}
    for parameter, column, allowed, blank in table("docs/reference/non-agent-api.md", "parameter | column"):
        documented[column.strip("`")] = (parameter.strip("`"), allowed, blank)

    expected = {}
    for column, (parameter, _) in FIELD_ERRORS.items():
        field = BY_COLUMN[column]
        allowed = (field.api_rule or field.rule)("\0" * 200)
        looked_up = field.refers_to and column not in UNCHECKED_BY_VICIDIAL
        reference = f", in `{field.refers_to}`" if looked_up else ""
        expected[column] = (parameter, f"{allowed}{reference}", "no" if field.empty is None else "yes")
    assert expected == documented


def test_every_column_is_in_the_reference():
    """The page of fields has every field in order, with all that the code says about it."""
    documented = [tuple(row) for row in table("docs/reference/fields.md", "column | name")]

    expected = [
        (
            field.group, f"`{field.column}`", field.label, field.help, field.rule("\0" * 30_000),
            f"{KINDS[field.refers_to]} (`{field.refers_to}`)" if field.refers_to else "",
            "no" if field.empty is None else f"`{field.empty}`" if field.empty else "yes",
        )
        for field in BY_COLUMN.values()
    ]  # fmt: skip
    assert expected == documented


def test_special_values_are_in_the_reference():
    """Values that stand for nothing in particular, and are not looked up, are named."""
    text = ROOT.joinpath("docs/reference/fields.md").read_text()

    assert [] == [value for field in DID_FIELDS for value in field.special if f"`{value}`" not in text]


def test_every_user_field_is_in_the_reference():
    """The API page has each field of a user with its parameter, what is allowed, and whether it empties."""
    documented = {
        column.strip("`"): (parameter.strip("`"), allowed, blank)
        for parameter, column, allowed, blank in table(
            "docs/reference/non-agent-api.md", "user's parameter | column"
        )
    }

    expected = {}
    for field in USER_FIELDS:
        reference = f", in `{field.refers_to}`" if field.refers_to else ""
        blank = "no" if field.empty is None else "yes"
        parameter = users.FIELD_ERRORS[field.column][0]
        expected[field.column] = (parameter, f"{field.rule(chr(0) * 20_000)}{reference}", blank)
    assert expected == documented


def test_every_problem_is_in_the_reference():
    """The page of the JSON API has each type of problem with its status and title, and no other."""
    documented = table("docs/reference/json-api.md", "type, behind")

    assert [[f"`{kind.name}`", str(kind.status), kind.title] for kind in problems.ALL] == documented


def test_every_scope_is_in_the_reference():
    """The same page has each scope of a token and what it opens."""
    documented = table("docs/reference/json-api.md", "scope | opens")

    assert [[f"`{scope.name}`", scope.help] for scope in SCOPES] == documented


def test_every_address_of_the_json_api_is_in_the_reference(server):
    """The page of the JSON API has each path, and no other."""
    paths = json.loads(server.get("/api/v1/openapi.json")[1])["paths"]
    cells = " ".join(row[0] for row in table("docs/reference/json-api.md", "function | scope"))
    documented = set(re.findall(r"(/[^`, ]+)", cells))
    known = {re.sub(r"{\w*id}", "{id}", path.removeprefix("/api/v1")) for path in paths}

    assert known == documented


def test_grants_of_the_guide_are_those_that_are_needed():
    """The guide gives each right on each table that Didier uses, and no other."""
    text = ROOT.joinpath("docs/guide/vicidial.md").read_text()
    given = [
        (table, tuple(rights.split(", ")))
        for rights, table in re.findall(r"GRANT ([A-Z, ]+) ON asterisk\.(\w+) TO", text)
    ]
    own = dict.fromkeys(DIDIER_TABLES, DIDIER_RIGHTS)

    needed = [*RIGHTS.items(), *OPTIONAL_RIGHTS.items(), *own.items(), *CALL_RIGHTS.items()]
    assert sorted(needed) == sorted(given)


def test_what_the_guide_of_asterisk_names_is_there():
    """Every setting for Asterisk is named, and dialplans ask for a script that is served."""
    text = ROOT.joinpath("docs/guide/asterisk.md").read_text()
    asked = {urllib.parse.urlsplit(address) for address in re.findall(r"AGI\((agi:[^)…]+)\)", text)}

    assert [] == [name for name in Settings.model_fields if name.startswith("agi_") and name not in text]
    assert {PORT} == {address.port for address in asked}
    assert {address.path.strip("/") for address in asked} <= SCRIPTS


def curls(text):
    """Return the curl commands of a page."""
    return [line for line in text.splitlines() if line.startswith("    curl ")]


@pytest.mark.parametrize("page", ["README.md", "docs/reference/json-api.md"])
def test_curl_lines_of_the_json_api_work(server, page):
    """Each is answered with what was asked for."""
    lines = [line for line in curls(ROOT.joinpath(page).read_text()) if "/api/v1" in line]

    assert lines
    for line in lines:
        _, *words = shlex.split(line)
        options = {words[i]: words[i + 1] for i in range(len(words) - 1) if words[i] in {"-u", "-H", "-d"}}
        address = urllib.parse.urlsplit(next(word for word in words if word.startswith("http")))
        headers = dict([options["-H"].split(": ")]) if "-H" in options else {}
        headers["Authorization"] = f"Basic {base64.b64encode(options['-u'].encode()).decode()}"
        path = f"{address.path}?{address.query}".rstrip("?")
        status, text = server.request("POST" if "-d" in options else "GET", path, options.get("-d"), headers)
        assert (200, True) == (status, bool(json.loads(text)["items"])), text


def test_readme_curl_lines_work(server):
    """Each curl line of the README, sent to a fresh server, answers as the README says."""
    text = ROOT.joinpath("README.md").read_text()
    lines = [shlex.split(line)[1] for line in curls(text) if PATH in line and "PASSWORD" not in line]
    answers = [
        server.get(urllib.parse.urlsplit(address).path + "?" + urllib.parse.urlsplit(address).query)[1]
        for address in lines
    ]

    assert answers[0].strip() in text
    assert tutorial.copy_query(tutorial.USER, tutorial.PASSWORD) in lines[0]
    assert ["SUCCESS"] == [answer.splitlines()[-1].partition(":")[0] for answer in answers[1:]]


COMMANDS = dict(reference.commands())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_the_docs_exist(page):
    """Each didier command of the docs exists and has the options that are used."""
    for line in re.findall(r"^ {4}(?:\S* )?(?:\.venv/bin/)?(didier [^#\n|<>]+)", page.read_text(), re.M):
        if line.startswith(("didier --", "didier COMMAND")):
            continue
        words = shlex.split(line)
        name = next((" ".join(words[:n]) for n in (3, 2) if " ".join(words[:n]) in COMMANDS), None)
        assert name, line
        known = {option for one in COMMANDS[name].params for option in [*one.opts, *one.secondary_opts]}
        used = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert set() == used - known, line


def test_the_docs_have_commands():
    """The check above finds them."""
    assert [] == [
        page
        for page in ("README.md", "docs/guide/running.md", "docs/reference/json-api.md")
        if not re.search(r"^ {4}(\.venv/bin/)?didier ", ROOT.joinpath(page).read_text(), re.M)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    """Each relative link of the docs leads to a file."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

    assert [] == [target for target in targets if not (page.parent / target).exists()]


def test_blank_marker_is_documented():
    """The value that empties a field is named where the fields are."""
    assert BLANK in ROOT.joinpath("docs/reference/non-agent-api.md").read_text()


@pytest.mark.parametrize("page", ["docs/security/threat-model.md", "docs/security/asvs.md"])
def test_every_test_that_is_named_exists(page):
    """What a page says is shown by a test, a test shows: files and functions are there."""
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", ROOT.joinpath(page).read_text())
    missing = [
        f"{file}::{function}"
        for file, function in named
        if not ROOT.joinpath(file).is_file()
        or (function and f"def {function}(" not in ROOT.joinpath(file).read_text())
    ]

    assert len(named) > 20
    assert [] == missing
