"""Commands that run in this process, as `didier` would."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from didier.cli.main import main
from support.server import didier


@dataclass(frozen=True)
class Done:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines of its standard output."""
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        """Its standard output, read as JSON."""
        return json.loads(self.out)

    @property
    def refusal(self) -> tuple[int, str]:
        """Its status and the one line that it said on standard error, and nothing on the other."""
        [line] = self.err.splitlines()
        assert "" == self.out
        return self.status, line.removeprefix("didier: ")


@contextmanager
def _streams(typed: bytes) -> Iterator[tuple[io.BytesIO, io.BytesIO]]:
    before = sys.stdin, sys.stdout, sys.stderr
    out, err = io.BytesIO(), io.BytesIO()
    sys.stdin = io.TextIOWrapper(io.BytesIO(typed), "utf-8")
    sys.stdout = io.TextIOWrapper(out, "utf-8", write_through=True)
    sys.stderr = io.TextIOWrapper(err, "utf-8", write_through=True)
    try:
        yield out, err
    finally:
        sys.stdin, sys.stdout, sys.stderr = before


def run(*arguments: str, typed: str = "") -> Done:
    """Run the command `didier` with *typed* on its standard input."""
    status = 0
    with _streams(typed.encode()) as (out, err):
        try:
            main(arguments)
        except SystemExit as end:
            status = int(end.code or 0)
        finally:
            structlog.reset_defaults()  # a command is the last thing that its process does
        return Done(status, out.getvalue().decode(), err.getvalue().decode())


def command(
    directory: Path, *arguments: str, typed: str = "", environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a command in *directory* to its end; in this process, unless it serves."""
    if arguments[:1] == ("serve",):
        return didier(directory, *arguments, typed=typed, environment=environment)
    before = dict(os.environ)
    os.environ.update(environment or {})
    try:
        with chdir(directory):
            done = run(*arguments, typed=typed)
    finally:
        os.environ.clear()
        os.environ.update(before)
    return subprocess.CompletedProcess(arguments, done.status, done.out, done.err)
