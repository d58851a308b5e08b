"""The targets of an order as they were written, of any size: compressed, counted, read lazily."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from didier.domain import inputs
from didier.domain.inputs import Entry, Header
from didier.domain.templates import Template
from didier.errors import InvalidInput, TooManyTargets
from didier.storage.batches.input_text import pack, unpack

SLICE = 2_000
"""Characters of a text after which others get their turn: some milliseconds of work at most."""


@dataclass(frozen=True, slots=True)
class Text:
    """The targets of an order as they were written, compressed; *count* is how many there are.

    One that *is_exact* has DIDs as they stand in the database, see `inputs.exact`.
    """

    pieces: tuple[bytes, ...]
    count: int
    header: Header | None
    is_csv: bool | None = None
    is_exact: bool = False

    @property
    def own_columns(self) -> frozenset[str]:
        """The DID fields in which targets have values of their own."""
        return frozenset(filter(None, self.header.columns if self.header else ()))

    def entries(self, pause: Callable[[], None] | None = None) -> Iterator[Entry]:
        """Read them, lazily; *pause* is called after every `SLICE` of the text."""
        text = _sliced(unpack(self.pieces), pause)
        return inputs.exact(text) if self.is_exact else inputs.read(text, is_csv=self.is_csv)


def _sliced(text: Iterable[str], pause: Callable[[], None] | None) -> Iterable[str]:
    return text if pause is None else _with_pauses(text, pause)


def _with_pauses(text: Iterable[str], pause: Callable[[], None]) -> Iterator[str]:
    for piece in text:
        for start in range(0, len(piece), SLICE):
            yield piece[start : start + SLICE]
            pause()


def read_text(
    pieces: Sequence[bytes],
    limit: int,
    template: Template | None = None,
    *,
    is_csv: bool | None = None,
    pause: Callable[[], None] | None = None,
) -> Text:
    """Look through the text in *pieces* (`storage.batches.input_text.pack`) and count its targets.

    *pause* is called after every `SLICE` of the text. Raises `InvalidInput` when it cannot be read or names
    none, and `TooManyTargets` above *limit*.
    """
    count = 0
    header = _header(pieces, template, is_csv)
    for entry in inputs.read_ranges(_sliced(unpack(pieces), pause), is_csv=is_csv):
        count += inputs.size(entry)
        if count > limit:
            raise TooManyTargets(limit)
    if not count:
        raise InvalidInput("no target is given")
    return Text(tuple(pieces), count, header, is_csv)


def text_of(lines: Sequence[str], limit: int, pause: Callable[[], None] | None = None) -> Text:
    """Return the text of targets and ranges that came as a list; *pause* as in `read_text`."""
    # The empty first line is no header, whatever stands below it: "number" can be the pattern of a DID.
    text = "".join([",\n", *(f"{line}\n" for line in lines)])
    return read_text(list(pack([text.encode()])), limit, is_csv=False, pause=pause)


def _header(pieces: Sequence[bytes], template: Template | None, is_csv: bool | None) -> Header | None:
    if is_csv is False:
        return None
    begin = ""
    for part in unpack(pieces):
        begin = (begin + part).lstrip("\ufeff\r\n")
        if "\n" in begin or len(begin) > inputs.LONGEST_LINE:
            break
    return inputs.check_header(begin, template.names if template else ())
