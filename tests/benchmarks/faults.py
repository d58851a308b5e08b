"""Tries the faults that Didier has to survive, many times, and prints what became of what it acknowledged.

Run by ``make faults``; ``ROUNDS=5 make faults`` tries each fewer times. The tests do the work: they fail when
anything that was acknowledged is lost, or anything is there by halves.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).parents[1] / "web"
ROUNDS = int(os.environ.get("ROUNDS", "20"))

FOLLOWER_KILLED = "test_nothing_is_lost_however_often_a_follower_is_killed"
AGENT_KILLED = "test_the_agent_is_killed_at_any_moment"

RUNS = (
    ({"CRASH_ROUNDS": str(5 * ROUNDS)}, ["test_crash.py"]),
    ({"LIST_CRASH_ROUNDS": str(ROUNDS), "LIST_CRASH_ENGINE": "InnoDB"}, ["test_myisam_crash.py"]),
    ({"LIST_CRASH_ROUNDS": str(ROUNDS), "LIST_CRASH_ENGINE": "MyISAM"}, ["test_myisam_crash.py"]),
    ({"VERB_CRASH_ROUNDS": str(ROUNDS)}, ["test_verb_crash.py"]),
    ({"EDIT_CRASH_ROUNDS": str(ROUNDS)}, ["test_edit_crash.py"]),
    ({"WEBHOOK_KILLS": str(ROUNDS)}, ["test_webhook_crash.py"]),
    ({"USAGE_KILLS": str(ROUNDS)}, ["test_usage_crash.py"]),
    ({"FOLLOW_KILLS": str(ROUNDS)}, [f"../cli/test_following.py::{FOLLOWER_KILLED}"]),
    ({"EDGE_KILLS": str(ROUNDS)}, [f"../edge/test_agent.py::{AGENT_KILLED}"]),
    ({"STOP_ROUNDS": str(ROUNDS)}, ["test_stopping.py"]),
    ({}, ["test_disk_full.py", "test_locked.py", "test_database_faults.py", "test_mariadb_loss.py"]),
    ({"OUTAGE_CALLS": str(50 * ROUNDS), "OUTAGE_RATE": "100"}, ["../cli/test_outage.py"]),
    ({}, ["test_half_requests.py", "test_slow_clients.py", "test_many_connections.py"]),
)
"""What the tests are told, and which are run with it."""


def main() -> int:
    """Run all; return 1 when a test has failed."""
    with tempfile.TemporaryDirectory() as directory:
        figures = Path(directory) / "figures"
        figures.touch()
        failed = [not _passed(variables, files, figures) for variables, files in RUNS]
        _print([json.loads(line) for line in figures.read_text().splitlines()])
    return int(any(failed))


def _passed(variables: dict[str, str], files: list[str], figures: Path) -> bool:
    environment = {**os.environ, **variables, "FAULTS_FILE": str(figures), "CI": "true"}
    command = [sys.executable, "-m", "pytest", "-q", *(str(TESTS / file) for file in files)]
    return subprocess.run(command, env=environment, check=False).returncode == 0


def _print(rows: list[dict[str, str | int]]) -> None:
    print("\n| fault | tried | acknowledged | lost |\n|---|---|---|---|")
    for row in rows:
        print(f"| {row['fault']} | {row['tried']} | {row['acknowledged']:,} | {row['lost']} |")


if __name__ == "__main__":
    sys.exit(main())
