"""What the README tells people to type."""

import re
import shlex
import subprocess
from pathlib import Path

from support.terminals import Terminal

ROOT = Path(__file__).resolve().parents[1]


def commands():
    """Yield the lines for the shell that work on a database of one's own, without the server's."""
    text = ROOT.joinpath("README.md").read_text()
    section = text[
        text.index("## Run it for real") : text.index("The same commands work on a server elsewhere")
    ]
    return [
        line for line in re.findall(r"^ {4}((?:didier|printf) .*)$", section, re.M) if " serve " not in line
    ]


def answered(directory, command):
    """Run *command* at a terminal, saying yes to what it asks; return its status and what was shown."""
    if not command.startswith("didier"):
        done = subprocess.run(command, shell=True, cwd=directory, capture_output=True, text=True)
        return done.returncode, done.stdout
    terminal = Terminal(directory, *shlex.split(command, comments=True)[1:])
    terminal.type("y\n")
    return terminal.finish(), terminal.text


def test_commands_of_the_readme_work_as_typed(tmp_path):
    """One after the other, in an empty directory."""
    done = {command: answered(tmp_path, command) for command in commands()}

    assert len(done) > 10
    assert {} == {command: told for command, told in done.items() if told[0] != 0}
    assert (tmp_path / "backup.db").stat().st_size > 0
