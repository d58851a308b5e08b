"""The Postman collection, run by newman as Postman runs it."""

import json
import subprocess
from pathlib import Path

import pytest

from support.missing import cannot_run

NEWMAN = Path(__file__).parents[1] / "browser" / "node_modules" / ".bin" / "newman"


@pytest.fixture
def newman(tmp_path):
    """Run the collection of a server; return what newman reports of the run, with its exit status."""
    if not NEWMAN.exists():
        cannot_run("newman (make test installs it)")

    def run(server, *options):
        report = tmp_path / "report.json"
        done = subprocess.run(
            [
                NEWMAN, "run", f"{server.url}/postman_collection.json", *options,
                "--reporters", "cli,json", "--reporter-json-export", report,
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
        )  # fmt: skip
        assert report.exists(), done.stdout + done.stderr
        return done, json.loads(report.read_text())["run"]

    return run


def test_the_collection_runs(server, newman):
    """Each request of the collection is sent and answered as its test says; the DID is copied."""
    done, run = newman(server)

    assert 0 == done.returncode, done.stdout
    assert len(run["executions"]) >= 5
    assert [1] * len(run["executions"]) == [len(each.get("assertions", [])) for each in run["executions"]]
    assert ["18001234567", "18002223333"] == server.patterns()


def test_the_collection_may_be_run_again(server, newman):
    """A second run passes as the first did, though the new DID is there by then."""
    newman(server)

    assert 0 == newman(server)[0].returncode


def test_the_collections_tests_can_fail(server, newman):
    """When the user may not sign in, the tests in the collection say so."""
    server.sql("UPDATE vicidial_users SET active = 'N'")

    done, run = newman(server)

    assert 0 != done.returncode
    assert run["failures"]
    assert ["18001234567"] == server.patterns()
