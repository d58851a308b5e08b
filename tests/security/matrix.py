"""The matrix: each request in each circumstance, as it is expected and as it is measured."""

from collections.abc import Iterator, Sequence

from didier import errors
from security.circumstances import Circumstance
from security.interfaces import Interface
from security.rule import ALLOWED, PARTLY, Row, lacks
from security.world import World


def cells(
    interface: Interface, columns: Sequence[Circumstance], *, vicidial: bool = False
) -> Iterator[tuple[Row, Circumstance]]:
    """Yield what is asked, one circumstance after the other; *vicidial*: of a database of VICIdial's."""
    rows = [row.in_vicidial() if vicidial else row for row in interface.rows]
    for circumstance in columns:
        for row in rows:
            if interface.expected(row, circumstance) is not None:
                yield row, circumstance


def surprises(world: World, interface: Interface, columns: Sequence[Circumstance]) -> list[str]:
    """Ask everything; return what was answered, or changed, otherwise than expected."""
    found = [
        f"{row.name} / {circumstance.heading}: {text}"
        for row, circumstance in cells(interface, columns, vicidial=world.engine.dialect.name != "sqlite")
        for text in _measured(world, interface, row, circumstance)
    ]
    world.restore()
    return found


def _measured(world: World, interface: Interface, row: Row, circumstance: Circumstance) -> Iterator[str]:
    world.arrange(circumstance, row, interface.level)
    expected = interface.expected(row, circumstance)
    sent = interface.ask(world, row, circumstance)
    said = interface.worded(sent, row)
    lacking = lacks(row.need, circumstance.columns(row.need, interface.level))
    if not said.startswith(tuple(interface.words(expected, row))):
        yield f"{said!r} instead of {expected}: {sent.text[:300]}"
    elif expected is errors.NotPermitted and lacking and (wrong := interface.misnamed(sent, lacking)):
        yield f"{wrong} instead of {lacking}"
    changed = world.changes()
    if bool(changed) != (row.changes and expected in {ALLOWED, PARTLY}):
        yield f"changed {changed}"
