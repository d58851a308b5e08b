"""Completion in the shells, as their scripts ask for it."""

import os
import subprocess
import sys

import pytest

SHELLS = ["bash", "zsh", "fish"]


def complete(tmp_path, words, *, shell="bash"):
    """Return what a shell offers behind *words*, of which the last is begun."""
    asked = {
        "bash": {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": words},
        "fish": {"_TYPER_COMPLETE_ARGS": words, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    done = subprocess.run(
        [os.path.join(os.path.dirname(sys.executable), "didier")],
        cwd=tmp_path, env={**os.environ, **asked, "_DIDIER_COMPLETE": f"complete_{shell}"},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "" == done.stderr
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_are_completed(tmp_path, shell):
    """In each shell; without a database."""
    offered = complete(tmp_path, "didier ba", shell=shell)

    assert "batches" in offered
    assert "backup" in offered
    assert "copy" not in offered


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("didier batches w", "watch"),
        ("didier copy --best", "--best-effort"),
        ("didier list --ser", "--server"),
        ("didier import x.csv --existing u", "update"),
    ],
)
def test_subcommands_options_and_values_are_completed(tmp_path, words, offered):
    """What is offered is what there is."""
    assert [offered] == complete(tmp_path, words).split()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_a_shell_can_be_shown(tmp_path, shell):
    """It asks `didier` itself."""
    done = subprocess.run(
        [os.path.join(os.path.dirname(sys.executable), "didier"), "--show-completion", shell],
        cwd=tmp_path, env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert 0 == done.returncode, done.stderr
    assert "_DIDIER_COMPLETE" in done.stdout
