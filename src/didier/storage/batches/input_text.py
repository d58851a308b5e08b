"""The text of a large order, compressed in pieces: what is stored of it until the batch is made."""

import zlib
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator

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


def unpack(pieces: Iterable[bytes]) -> Iterator[str]:
    """Yield the text that `pack` made *pieces* of; raises `UnicodeDecodeError` when it is not UTF-8."""
    unpacker, decoder = zlib.decompressobj(), getincrementaldecoder("utf-8")()
    for piece in pieces:
        rest = piece
        while rest:
            yield decoder.decode(unpacker.decompress(rest, PIECE_BYTES))
            rest = unpacker.unconsumed_tail
    yield decoder.decode(unpacker.flush(), final=True)
