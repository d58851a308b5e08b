"""The tables of docs/security/authorization.md: what is expected, and measured by `surprises`.

Run as a program it writes them anew; what stands around them is written by hand.
"""

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from didier import errors
from didier.domain.scopes import SCOPES
from didier.domain.users import RIGHTS
from security import circumstances as c
from security.circumstances import Circumstance
from security.interfaces import Interface, JsonApi, NonAgentApi, Panel, PanelApi, addresses
from security.operations import Operation
from security.rule import ALLOWED, PARTLY, Expected, Row

PAGE = Path(__file__).resolve().parents[2] / "docs/security/authorization.md"

SYMBOLS: dict[Expected, str] = {
    ALLOWED: "✓", PARTLY: "◐", None: "",
    **dict.fromkeys((errors.NotCancellable, errors.PreferenceNotFound, errors.EdgeNotFound), "✓"),
    errors.NotPermitted: "no", errors.LevelTooLow: "✗",
    errors.LevelNotAllowed: "L", errors.BeyondReach: "R", errors.InvalidField: "R",
    **dict.fromkeys((
        errors.NotFound, errors.UserNotFound, errors.BatchNotFound, errors.TokenNotFound,
        errors.GroupNotFound, errors.NotAllPossible, errors.NothingFound, errors.DestinationNotFound,
        errors.WebhookNotFound,
    ), "∅"),
}  # fmt: skip

ALWAYS = (c.ADMINISTRATOR, c.LEAST)
"""With all rights, and with those that are needed, everything is allowed: no columns of the tables."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, centred: bool = False) -> str:
    """Return a table of Markdown; *centred*: but for its first column."""
    rule = ["---", *(":-:" if centred else "---" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def rights() -> str:
    """Return the table of what each function asks of a user."""
    rows = []
    for name, right in RIGHTS.items():
        instead = f" or {right.instead[1]}" if right.instead else ""
        scope = next((scope.name for scope in SCOPES if name in scope.functions), "")
        rows.append(
            [f"`{name}`", str(right.level), f"{right.label}{instead}", f"`{scope}`" if scope else "none"]
        )
    return table(["function", "User Level", "setting", "scope of a token"], rows)


def columns() -> str:
    """Return the table of what the columns mean."""
    listed = [one for one in (*JsonApi.rights, *Panel.rights) if one.heading not in _headings(ALWAYS)]
    meanings = dict.fromkeys((one.heading, one.meaning) for one in listed)
    return table(["column", "what is otherwise than with all rights"], [list(pair) for pair in meanings])


def _headings(some: Sequence[Circumstance]) -> set[str]:
    return {one.heading for one in some}


def matrix(interface: Interface, name: Callable[[Row], str]) -> str:
    """Return the table of *interface*: a row for each request, a column for what the caller lacks."""
    listed = [one for one in interface.rights if one.heading not in _headings(ALWAYS)]
    rows = [
        [name(row), *(SYMBOLS[interface.expected(row, one)] for one in listed)]
        for row in _signed_in(interface)
    ]
    return table(["", *(one.heading for one in listed)], rows, centred=True)


def _signed_in(interface: Interface) -> list[Row]:
    """Return what asks for a user."""
    return [row for row in interface.rows if not getattr(row, "is_open", False)]


def _function(row: Row) -> str:
    function, comma, way = row.name.partition(",")
    return f"`{function}`{comma}{way}"


def _operation(row: Row) -> str:
    assert isinstance(row, Operation)
    method, path = addresses()[row.operation_id]
    return f"`{method} {path.removeprefix('/api/v1')}`{row.name.removeprefix(row.operation_id)}"


def _page(row: Row) -> str:
    route, comma, part = row.name.partition(",")
    return f"`/admin{route}`{comma}{part}"


def entry() -> str:
    """Return the table of who is not let in, at each interface."""
    some = (NonAgentApi(), JsonApi(), PanelApi(), Panel())
    meanings = {circumstance.heading: circumstance.meaning for one in some for circumstance in one.entry}
    rows = [[meaning, *(_answer(one, heading) for one in some)] for heading, meaning in meanings.items()]
    return table(["", *(one.name for one in some)], rows)


def _answer(interface: Interface, heading: str) -> str:
    """Return what an interface answers, whatever is asked; empty where it has no such circumstance."""
    found = [one for one in interface.entry if one.heading == heading]
    if not found:
        return ""
    if found[0].refusal is None:
        return "goes on"
    asked = [(row, interface.expected(row, found[0])) for row in _signed_in(interface)]
    words = (text for row, answer in asked if answer != ALLOWED for text in interface.words(answer, row))
    said = {text.strip(": ").removeprefix("ERROR: ") for text in words}
    return " or ".join(f"`{text}`" for text in sorted(said))


TABLES: dict[str, Callable[[], str]] = {
    "rights": rights,
    "columns": columns,
    "non-agent": lambda: matrix(NonAgentApi(), _function),
    "json": lambda: matrix(JsonApi(), _operation),
    "panel": lambda: matrix(Panel(), _page),
    "entry": entry,
}
"""What stands between the marks of the page."""


def written(text: str) -> str:
    """Return *text* with its tables as they have to be."""
    return re.sub(
        r"(<!-- table: ([\w-]+) -->\n).*?(\n<!-- end -->)",
        lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n{found[3]}",
        text,
        flags=re.DOTALL,
    )


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(written(Path(sys.argv[1]).read_text()))
