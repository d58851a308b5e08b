"""The commands and their options for the reference page: ``python -m didier.cli.reference FILE``."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from didier.cli.main import command_line

HEADING = "## Commands\n"
"""Everything behind this line of the page is written again."""

_DATABASES = ("--database", "--astguiclient-conf")
_SHARED = ("--server", "--vicidial", *_DATABASES)
_EVERYWHERE = ("--help", "--install-completion", "--show-completion")


def commands() -> Iterator[tuple[str, Any]]:
    """Yield each command with its name, as ``didier user add``, in the order of the help."""
    yield from _below("didier", command_line())


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    for word, inner in getattr(command, "commands", {}).items():
        if hasattr(inner, "commands"):
            yield from _below(f"{name} {word}", inner)
        else:
            yield f"{name} {word}", inner


def page(text: str) -> str:
    """Return the page *text* with its commands written again."""
    head = text.partition(HEADING)[0]
    return head + HEADING + "\n" + "\n".join(_section(name, command) for name, command in commands())


def _section(name: str, command: Any) -> str:
    described, _, example = command.help.partition("Example: ")
    parts = [
        f"### {name}\n",
        f"    {_usage(name, command)}\n",
        *_paragraphs(described),
        f"    {example.strip()}\n",
    ]
    rows = [_row(option) for option in options(command)]
    if rows:
        parts.append("\n".join(["| option | meaning |", "|---|---|", *rows]) + "\n")
    if databases := [
        name for name in _DATABASES if name in _names(command) and "--server" not in _names(command)
    ]:
        parts.append(f"It works only on a database: {', '.join(f'`{place}`' for place in databases)}.\n")
    return "\n".join(parts)


def _usage(name: str, command: Any) -> str:
    arguments = (_argument(one) for one in command.params if one.param_type_name == "argument")
    return " ".join([name, "[OPTIONS]", *arguments])


def _argument(argument: Any) -> str:
    shown = (argument.metavar or argument.name.upper()) + ("..." if argument.nargs < 0 else "")
    return shown if argument.required else f"[{shown}]"


def _paragraphs(text: str) -> list[str]:
    return [re.sub(r"\s+", " ", part).strip() + "\n" for part in text.split("\n\n") if part.strip()]


def options(command: Any) -> list[Any]:
    """Return what is described of a command: arguments with a help, and options that not all have."""
    # An edge follows a server, and has a database of its own: neither is where the command works.
    shared = () if {"--server", "--vicidial"}.intersection(_names(command)) == {"--server"} else _SHARED
    return [
        one
        for one in command.params
        if getattr(one, "help", None) and not {*shared, *_EVERYWHERE}.intersection(one.opts)
    ]


def _names(command: Any) -> set[str]:
    return {name for one in command.params for name in one.opts}


def _row(option: Any) -> str:
    if option.param_type_name == "argument":
        names = f"`{option.metavar or option.name.upper()}`"
    else:
        names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    return f"| {names} | {option.help.replace('|', chr(92) + '|')} |"


def main() -> None:
    """Write the page that the first argument names."""
    file = Path(sys.argv[1])
    file.write_text(page(file.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
