"""Rows of DIDs as changes left them, rebuilt from what the change log has."""

from collections.abc import Mapping

from didier.domain import fields
from didier.storage.changes.change_log import Change, Image
from didier.storage.dids.dids import STAMP, Value


def left_by(logged: Change, did_id: int, pattern: str, source: Image) -> Image | None:
    """Return the row as a change left it; None where there is none any more, or it is not known.

    That of a copy is put together as the copy was made: *source* is the row of its source then, empty where
    that is not known. The time of the copy is left out, and columns whose values were not stored.
    """
    if logged.after is not None or logged.cause != "copy" or not source:
        return logged.image_in_run(logged.after, did_id, pattern)
    own = logged.details.get("own")
    given = {**(logged.details.get("values") or {}), **(own[did_id - logged.did_id] if own else {})}
    unknown = {*_not_stored(logged), STAMP}
    row = {**source, **stored(source, given), "did_id": did_id, "did_pattern": pattern}
    return {name: value for name, value in row.items() if name not in unknown}


def given(logged: Change, did_id: int) -> set[str]:
    """Return the columns that the copy *did_id* was given otherwise than by its source."""
    own = logged.details.get("own")
    values = logged.details.get("values") or {}
    return {*values, *(own[did_id - logged.did_id] if own else ()), *_not_stored(logged)}


def _not_stored(logged: Change) -> tuple[str, ...]:
    """Return the columns of copies of earlier releases whose values are not known."""
    return (*(logged.details.get("unknown") or ()), *_of_template(logged))


def _of_template(logged: Change) -> tuple[str, ...]:
    """Return the column that a template of an earlier release made, whose values were not stored."""
    return ("did_description",) if logged.details.get("template") and "own" not in logged.details else ()


def stored(source: Image, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return *values* as the columns of *source* hold them."""
    texts = fields.stored({name: None if value is None else str(value) for name, value in values.items()})
    return {
        name: int(value) if isinstance(source.get(name), int) and value.isdigit() else value
        for name, value in texts.items()
    }
