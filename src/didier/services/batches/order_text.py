"""The targets of an order as they were written, of any size: read once, compressed, counted, read lazily."""

from codecs import BOM_UTF32_LE
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from didier.domain import inputs, kept_inputs, number_cells, tables
from didier.domain.inputs import Entry, RowRange
from didier.domain.kept_inputs import Kept
from didier.domain.tables import Layout
from didier.domain.templates import Template
from didier.errors import InvalidInput, TooManyTargets
from didier.services.batches import workbooks
from didier.storage.batches.input_text import Packer, has_mark, inflated, pack, unpack

Pause = Callable[[], None]

_TOGETHER = 500
"""How many lines are compressed together."""

SLICE = 2_000
"""Characters of a text after which others get their turn: some milliseconds of work at most."""


@dataclass(frozen=True, slots=True)
class Text:
    """The targets of an order, compressed; *count* is how many there are, *layout* how a table was written.

    One that *is_exact* has DIDs as they stand in the database, see `kept_inputs.exact`.
    """

    pieces: tuple[bytes, ...]
    count: int
    own_columns: frozenset[str] = frozenset()
    layout: Layout | None = None
    is_exact: bool = False

    @property
    def names(self) -> Sequence[str]:
        """The columns that a template may name."""
        return self.layout.names if self.layout else ()

    @property
    def headers(self) -> Sequence[str]:
        """The columns as they stand in the table; those without a name by their place."""
        columns = enumerate(self.layout.columns if self.layout else (), 1)
        return [column.header or str(place) for place, column in columns]

    def entries(self, pause: Pause | None = None) -> Iterator[Entry]:
        """Read them, lazily; *pause* is called after every `SLICE` of the text."""
        text = _sliced(unpack(self.pieces), pause)
        return kept_inputs.exact(text) if self.is_exact else kept_inputs.read(text)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a text is to be read.

    *is_table*: it is one with a header row, or has one column. *mapping* says what becomes of columns, see
    `columns`; with *ignore* those that are not known are left out. With *as_written* cells of numbers are
    taken as they are where they may be patterns. *charset* is None where nobody has said it.
    """

    is_table: bool = False
    mapping: Mapping[str, str] = field(default_factory=dict)
    ignore: bool = False
    as_written: bool = False
    charset: str | None = None


def _sliced(text: Iterable[str], pause: Pause | None) -> Iterable[str]:
    return text if pause is None else _with_pauses(text, pause)


def _with_pauses(text: Iterable[str], pause: Pause) -> Iterator[str]:
    for piece in text:
        for start in range(0, len(piece), SLICE):
            yield piece[start : start + SLICE]
            pause()


def plain(pieces: Sequence[bytes], charset: str | None, pause: Pause | None = None) -> Sequence[bytes]:
    """Return a text that was sent as one in UTF-8: a workbook as the table that is in it.

    Raises `InvalidInput` for what is no text, and no text in *charset*.
    """
    begin = next(inflated(pieces), b"")
    if begin.startswith(workbooks.OLD_MARK):
        raise InvalidInput(f"workbooks of this kind are not read: {workbooks.SAVE}")
    if begin.startswith(BOM_UTF32_LE):
        raise InvalidInput("the text is UTF-32: save it as CSV UTF-8")
    try:
        if begin.startswith(workbooks.MARK):
            content = b"".join(inflated(pieces))
            return list(pack(part.encode() for part in workbooks.text_of(content, pause)))
        if not (charset or has_mark(begin)):
            if b"\0" in begin:
                raise InvalidInput(_not_text(begin, charset))
            return pieces
        return list(pack(part.encode() for part in _sliced(unpack(pieces, charset), pause)))
    except UnicodeDecodeError as error:
        raise InvalidInput(_not_text(begin, charset)) from error


def _not_text(begin: bytes, charset: str | None) -> str:
    """Say what a text looks like that is not written in *charset*."""
    if charset and charset.lower() not in {"utf-8", "utf8"}:
        return f"the text is not {charset}"
    kind = "UTF-16 without its mark" if b"\0" in begin else "Windows-1252 or another set of 8 bits"
    return f"the text is not UTF-8: it looks like {kind}; save it as CSV UTF-8, or say its charset"


def head_of(pieces: Sequence[bytes]) -> str:
    """Return the beginning of a text: what is looked at before it is read."""
    head = ""
    for part in unpack(pieces):
        head += part
        if len(head) >= tables.HEAD_CHARACTERS:
            break
    return head[: tables.HEAD_CHARACTERS]


def read_text(
    pieces: Sequence[bytes],
    limit: int,
    template: Template | None = None,
    reading: Reading = Reading(),
    *,
    pause: Pause | None = None,
) -> Text:
    """Read the text in *pieces* (`storage.batches.input_text.pack`) and count its targets.

    *pause* is called after every `SLICE` of the text. Raises `InvalidInput` when it cannot be read or names
    none, and `TooManyTargets` above *limit*.
    """
    used = template.names if template else frozenset()
    pieces = plain(pieces, reading.charset, pause)
    try:
        layout = _layout(pieces, reading)
        if layout:
            layout = tables.check(layout, used, ignore=reading.ignore)
        entries = inputs.of_text(_sliced(unpack(pieces), pause), layout, used, _reader(reading.as_written))
        return _kept(entries, layout.fields if layout else frozenset(), limit, layout)
    except UnicodeDecodeError as error:
        raise InvalidInput(_not_text(next(inflated(pieces), b""), None)) from error


def looked_at(pieces: Sequence[bytes], reading: Reading, pause: Pause | None = None) -> Layout | None:
    """Return how the text in *pieces* is written, None where it is a list; raise `InvalidInput`."""
    pieces = plain(pieces, reading.charset, pause)
    try:
        return _layout(pieces, reading)
    except UnicodeDecodeError as error:
        raise InvalidInput(_not_text(next(inflated(pieces), b""), None)) from error


def _layout(pieces: Sequence[bytes], reading: Reading) -> Layout | None:
    return tables.look(head_of(pieces), reading.mapping, is_table=reading.is_table)


def _reader(as_written: bool) -> number_cells.Reader:
    return number_cells.as_it_stands if as_written else number_cells.read


def text_of(entries: Iterable[Entry | RowRange], own_columns: frozenset[str], limit: int) -> Text:
    """Return the text of *entries* that came as a list; *own_columns* are those in which any has values."""
    return _kept(entries, own_columns, limit)


def _kept(
    entries: Iterable[Entry | RowRange], own_columns: frozenset[str], limit: int, layout: Layout | None = None
) -> Text:
    kept, packer, count = Kept(own_columns), Packer(), 0
    pieces, lines = [*packer.add(kept.header())], []
    for entry in entries:
        count += inputs.size(entry)
        if count > limit:
            raise TooManyTargets(limit)
        lines.append(kept.line(entry))
        if len(lines) == _TOGETHER:
            pieces += packer.add(b"".join(lines))
            lines = []
    pieces += packer.add(b"".join(lines))
    if not count:
        raise InvalidInput("no target is given")
    return Text((*pieces, packer.end()), count, own_columns, layout)
