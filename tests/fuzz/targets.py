"""What is fuzzed: each target takes bytes from outside, and raises nothing but what it promises."""

import csv
import io
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import MappingProxyType

from didier.agi import protocol
from didier.agi.protocol import ENVIRONMENT_BYTES, Misunderstood, command
from didier.domain import inputs, numbers, patterns, targets
from didier.domain.calls.commands import argument, quoted
from didier.domain.spreadsheets import guarded, unguarded
from didier.domain.targets import Range
from didier.domain.templates import Template
from didier.errors import InvalidInput, WrongSetting
from didier.masking import MASK, Masking, mask_path
from didier.services.users.sessions import SessionSecret
from didier.vicidial import conf
from didier.vicidial.call import MASKING, SECRETS, Call, read_parameters, split_form
from didier.web.admin.cookies import is_token_of, token_of
from didier.web.api import callers, cursors
from didier.web.api.cursors import BadCursor
from didier.web.edge import _address, _bare
from support.requests import Reading, read
from support.secrets import NAMES, SPELLINGS

MOST = 20_000
"""Entries that are looked at: a range may have a million."""


def query(data: bytes) -> None:
    """Parameters are read and cleaned; no password stands in what is logged."""
    parameters = read_parameters(data, split_form(data[::2]))
    call = Call(parameters, True, "", "", "", "")
    for name in parameters.values:
        with suppress(KeyError):  # a parameter that Didier does not read
            assert len(call.get(name)) <= len(parameters.values[name])
    masked = MASKING.query(data) + MASKING.form(split_form(data))
    for name in SECRETS & parameters.values.keys():
        secret = parameters.values[name]
        if len(secret) > len(MASK) and data.count(secret) == 1 and secret.isalnum():
            assert secret.decode() not in masked
    assert len(list(islice(call.patterns("new_dids"), MOST))) <= MOST


def masking(data: bytes) -> None:
    """No planted secret survives, under whatever name, however it is written and whatever stands around."""
    if len(data) < 2 or b"hunter2hunter2" in data:
        return
    name, spelling = NAMES[data[0] % len(NAMES)], [*SPELLINGS.values()][data[1] % len(SPELLINGS)]
    middle = len(data) // 2
    spelled = spelling(name).encode()
    query = data[2:middle] + b"&" + spelled + b"=hunter2hunter2&" + data[middle:]
    within = b"user=x%26" + spelled.replace(b"&", b"%26") + b"%3Dhunter2hunter2&" + data[2:]
    for sent in (query, within):
        for each in (MASKING, Masking()):
            assert "hunter2hunter2" not in each.query(sent) + each.form(split_form(sent))
        assert "hunter2hunter2" not in mask_path(sent.decode("utf-8", "replace"))


def lists(data: bytes) -> None:
    """A list is taken apart into patterns and ranges; a range is read as it is written."""
    text = data.decode("utf-8", "replace")
    for item in targets.split(text, targets.plain):
        found = targets.parse(item)
        if isinstance(found, Range):
            ends = found.pattern(found.first), found.pattern(found.last)
            assert found.size == found.last - found.first + 1
            assert targets.parse("-".join(ends)) == found
            assert len(ends[0]) == len(ends[1]) <= patterns.MAX_LENGTH
    assert len(list(targets.expand(targets.split(text), 1_000))) <= len(text) + 1_000
    for pattern in patterns.split_list(text)[:20]:
        if patterns.problem(pattern) is None:
            assert pattern not in numbers.spellings(pattern, "US")[1:]


def table(data: bytes) -> None:
    """CSV and pasted text is read to its end or refused, in whatever pieces it comes."""
    text = data.decode("utf-8", "replace")
    results: list[list[object]] = []
    for size in (len(text) or 1, 3):
        pieces = [text[place : place + size] for place in range(0, len(text), size)]
        try:
            entries = islice(inputs.of_unread(pieces, is_table=False), MOST)
            results.append(list(map(repr, entries)))
        except InvalidInput as error:
            results.append(["refused" if str(error) else "refused without a reason"])
    assert results[0] == results[1] != ["refused without a reason"]


def cell(data: bytes) -> None:
    """A cell is no formula, and is read back as it was."""
    text = data.decode("utf-8", "replace").replace("\r", "").replace("\0", "")
    written = io.StringIO(newline="")
    csv.writer(written).writerow([guarded(text), "end"])
    [read] = csv.reader(io.StringIO(written.getvalue(), newline=""))
    assert text == unguarded(read[0])
    assert read[0][:1] not in tuple("=+-@\t")


def template(data: bytes) -> None:
    """A template is refused or rendered; it reaches nothing but its values."""
    made = Template(data.decode("utf-8", "replace"))
    if made.problem({"target", "source", "did_route"}) is None:
        assert "__" not in made.render({"target": "1", "source": "2", "did_route": "3"}) or "__" in made.text


def authorization(data: bytes) -> None:
    """An Authorization header is a login or none."""
    with suppress(callers.NotSignedIn):
        callers.read(data.decode("latin-1"))


def cursor(data: bytes) -> None:
    """A cursor is a place of the list, or refused."""
    text = data.decode("latin-1")
    with suppress(BadCursor):
        place = cursors.read(text, "pattern", (str, int))
        assert place is None or [str, int] == [type(value) for value in place]


def cookie(data: bytes) -> None:
    """No text is the token of a session but the one that was made for it."""
    text = data.decode("latin-1")
    secret = SessionSecret("the-secret-of-the-session")
    assert not is_token_of(secret, text)
    assert not is_token_of(None, text)
    assert is_token_of(SessionSecret(text), token_of(SessionSecret(text)))
    assert text == secret.text or SessionSecret(text).digest != secret.digest


def astguiclient(data: bytes) -> None:
    """VICIdial's file of settings is read, or refused without its password."""
    with NamedTemporaryFile(prefix="didier-fuzz-") as file:
        file.write(b"VARDB_pass => hunter2hunter2\n" + data)
        file.flush()
        said = ""
        try:
            conf.read(Path(file.name))
        except WrongSetting as error:
            said = str(error)
    assert "hunter2hunter2" not in said


def forwarded(data: bytes) -> None:
    """What a proxy names is an address or nothing."""
    for part in data.decode("latin-1").split(","):
        address = _address(_bare(part.strip()))
        assert address is None or _address(str(address)) == address


def agi(data: bytes) -> None:
    """What Asterisk says is read alike in all pieces, or misunderstood; little of it is kept."""
    assert _read_agi(data, len(data) or 1) == _read_agi(data, 3)
    text = data.decode("utf-8", "replace")
    line = command(f"SET EXTENSION {argument(text)} {quoted(text)}")
    assert line.endswith(b"\n")
    assert not set(line[:-1]) & {*range(32), 127}


def _read_agi(data: bytes, size: int) -> list[object]:
    reading, said = protocol.Reading(), list[object]()
    try:
        for line in data.splitlines(keepends=True):
            for place in range(0, len(line), size):
                reading.feed(line[place : place + size])
            if reading.environment and (reading.reply or not said):
                said += [reading.environment.script, reading.reply, reading.hung_up]
                reading.ask()
    except Misunderstood as error:
        said.append(str(error))
    assert sum(map(len, reading._values.values())) + len(reading._rest) <= ENVIRONMENT_BYTES * 2
    return said


def requests(data: bytes) -> None:
    """Requests are the same however their bytes are divided; none has another length than it says."""
    reading = read(data)
    for size in (1, 2, 3, 5, 19, data[0] + 1 if data else 1):
        assert _known(reading) == _known(read(data, size))
    for one in reading.requests:
        headers = [value for name, value in one.headers if name == b"content-length"]
        assert not headers or not one.whole or int(headers[0]) == len(one.body)
        assert (one.path + one.query).isascii()


def _known(reading: Reading) -> tuple[bool, list[object]]:
    """Return what does not depend on how far a body was read that has not come whole."""
    known = [one if one.whole else (one.method, one.path, one.headers) for one in reading.requests]
    return reading.refused, known


TARGETS: Mapping[str, Callable[[bytes], None]] = MappingProxyType({
    each.__name__: each
    for each in (
        query, masking, lists, table, cell, template, authorization, cursor, cookie, astguiclient, forwarded,
        agi, requests,
    )
})  # fmt: skip
