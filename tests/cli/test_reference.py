"""The reference page of the command line is the code's."""

from pathlib import Path

import pytest

from didier.cli import reference
from didier.cli.failures import Status
from didier.environment import VARIABLES
from test_docs import table

PAGE = "docs/reference/cli.md"
TEXT = (Path(__file__).resolve().parents[2] / PAGE).read_text()
COMMANDS = dict(reference.commands())


def test_the_page_is_as_the_code_says():
    """`make docs` would change nothing."""
    assert reference.page(TEXT) == TEXT


def test_every_status_is_in_the_reference():
    """With its meaning."""
    assert [[str(status.value), status.meaning] for status in Status] == table(PAGE, "status | meaning")


def test_every_variable_is_in_the_reference():
    """With what it says."""
    assert [[f"`{name}`", meaning] for name, meaning in VARIABLES.items()] == table(
        PAGE, "variable | meaning"
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(name):
    """Its help ends with one, and each option says what it is for."""
    command = COMMANDS[name]

    assert f"Example: {name}" in command.help
    assert [] == [one.name for one in command.params if one.name != "help" and not getattr(one, "help", None)]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_in_the_reference(name):
    """In the section of its command, or where those that all have are explained."""
    head, _, _ = TEXT.partition(reference.HEADING)
    _, _, section = TEXT.partition(f"### {name}\n")
    known = head + section.partition("\n### ")[0]
    options = [option for one in COMMANDS[name].params for option in one.opts if option.startswith("--")]

    assert [] == [option for option in options if option not in known]
