"""The text of a large order, compressed in pieces: what is stored of it until the batch is made."""

import zlib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder, lookup
from collections.abc import Iterable, Iterator
from itertools import chain

PIECE_BYTES = 1_000_000
"""Size of a piece: well below what a database takes in one statement."""


def pack(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the text in *parts* compressed, in pieces of `PIECE_BYTES` and a last one."""
    packer = Packer()
    for part in parts:
        yield from packer.add(part)
    yield packer.end()


class Packer:
    """Compresses a text that comes in parts."""

    def __init__(self) -> None:
        self._zlib = zlib.compressobj(1)
        self._piece = bytearray()

    def add(self, part: bytes) -> Iterator[bytes]:
        """Take a part; yield pieces as they are full."""
        self._piece += self._zlib.compress(part)
        while len(self._piece) >= PIECE_BYTES:
            yield bytes(self._piece[:PIECE_BYTES])
            del self._piece[:PIECE_BYTES]

    def end(self) -> bytes:
        """Return the last piece."""
        return bytes(self._piece + self._zlib.flush())


def unpack(pieces: Iterable[bytes], charset: str | None = None) -> Iterator[str]:
    """Yield the text that `pack` made *pieces* of, which is written in *charset*; None: UTF-8.

    A mark at its beginning says whether it is UTF-8 or UTF-16. Raises `UnicodeDecodeError`.
    """
    parts = inflated(pieces)
    first = next(parts, b"")
    decoder = getincrementaldecoder(_marked(first) or charset or "utf-8")()
    for part in chain([first], parts):
        yield decoder.decode(part)
    yield decoder.decode(b"", final=True)


def inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what `pack` made *pieces* of."""
    unpacker = zlib.decompressobj()
    for piece in pieces:
        rest = piece
        while rest:
            yield unpacker.decompress(rest, PIECE_BYTES)
            rest = unpacker.unconsumed_tail
    yield unpacker.flush()


_CHARSETS = frozenset({
    "ascii", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp437", "cp850", "cp852", "cp866",
    "cp932", "cp949", *(f"cp125{page}" for page in range(9)), *(f"iso8859-{part}" for part in range(1, 17)),
    "mac-roman", "koi8-r", "koi8-u", "shift_jis", "euc_jp", "iso2022_jp", "gb2312", "gbk", "gb18030", "big5",
    "euc_kr", "tis-620",
})  # fmt: skip
"""The sets of characters that texts may be in; Python knows codecs that are none."""


def is_charset(name: str) -> bool:
    """Say whether texts may be in the set of characters *name*."""
    try:
        return lookup(name).name in _CHARSETS
    except LookupError:
        return False


def has_mark(begin: bytes) -> bool:
    """Say whether a text begins with a mark of UTF-16."""
    return begin.startswith((BOM_UTF16_LE, BOM_UTF16_BE))


def _marked(begin: bytes) -> str | None:
    marks = {BOM_UTF8: "utf-8-sig", BOM_UTF16_LE: "utf-16", BOM_UTF16_BE: "utf-16"}
    return next((name for mark, name in marks.items() if begin.startswith(mark)), None)
