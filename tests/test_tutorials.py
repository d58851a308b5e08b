"""The pages that are read with a terminal beside them: their commands are run, in order."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.missing import cannot_run
from support.server import Didier

ROOT = Path(__file__).resolve().parents[1]
PAGES = (
    "docs/tutorial/administrator.md",
    "docs/tutorial/integrator.md",
    "docs/tutorial/operator.md",
    "docs/guide/automation.md",
    "docs/guide/bulk-edits.md",
    "docs/guide/carrier-csv.md",
    "docs/guide/checks.md",
)
ADDRESS = "http://127.0.0.1:8080"
BLOCK = re.compile(r"^```(\w+) ?([\w.]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def steps(text):
    """Yield each command of a console block, its exit status, and what it prints."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        status = re.match(r"\? (\d+)\n", shown)
        yield command, int(status[1]) if status else 0, shown[status.end() :] if status else shown


def pattern_of(shown):
    """Return the pattern of what is shown: … stands for anything, blanks at the ends of lines for nothing."""
    lines = [line.strip() for line in shown.strip().splitlines()]
    return "(?s)" + re.escape("\n".join(lines)).replace("…", ".*")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says(page, server: Didier, tmp_path):
    """Every command and example of the page runs, on a fresh demonstration, and prints what is shown."""
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "XDG_CONFIG_HOME": str(home),
        "COLUMNS": "200",
    }
    if "didier login" not in ROOT.joinpath(page).read_text() and page.startswith("docs/guide"):
        environment |= {"DIDIER_SERVER": server.url, "DIDIER_USER": "admin", "DIDIER_PASSWORD": "1234"}

    if " | jq " in ROOT.joinpath(page).read_text() and shutil.which("jq") is None:
        cannot_run("jq")

    def run(words, status):
        done = subprocess.run(words, cwd=home, env=environment, capture_output=True, text=True, timeout=120)
        shown = (done.stdout + done.stderr).replace(server.url, ADDRESS)
        assert status == done.returncode, f"{words}: {shown}"
        return "\n".join(line.strip() for line in shown.strip().splitlines())

    blocks = BLOCK.findall(ROOT.joinpath(page).read_text())
    assert blocks
    for kind, name, text in blocks:
        if name:
            home.joinpath(name).write_text(text)
        elif kind == "python":
            run([sys.executable, "-c", text.replace(ADDRESS, server.url)], 0)
        elif kind == "bash":
            run(["bash", "-ec", text.replace(ADDRESS, server.url)], 0)
        else:
            for command, status, shown in steps(text):
                printed = run(["bash", "-c", command.replace(ADDRESS, server.url)], status)
                assert re.fullmatch(pattern_of(shown), printed), f"$ {command}\n{printed}"
