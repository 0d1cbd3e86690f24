"""What the bytes of a file hold: themselves or, if they are gzip's, what was packed.

Python's own gzip files will not say whether the next byte would have to be waited for.
"""

import zlib
from collections.abc import Iterator

# How every gzip file begins (RFC 1952), and no sensible text: U+001F, and then no UTF-8.
MAGIC = b"\x1f\x8b"

# The largest part that is unpacked at once: a file may hold a thousand times as much as its size.
CHUNK_BYTES = 65536

# For zlib: the largest window, and gzip's header and checksum around what is packed.
GZIP = zlib.MAX_WBITS + 16


class DamagedGzip(Exception):
    """What the bytes of a gzip file do not do; its message goes on from "the gzip file"."""


class Unpacker:
    """The content of a file whose bytes come piece by piece.

    Attributes
    ----------
    n_bytes : int
        Bytes of the file whose content has been given.
    """

    def __init__(self) -> None:
        self.n_bytes = 0
        self._held = b""  # a first byte that could be gzip's
        self._is_gzip: bool | None = None
        self._member = zlib.decompressobj(GZIP)

    def unpack(self, piece: bytes) -> Iterator[bytes]:
        """Give what one more piece holds, perhaps nothing yet; `b""` says that the file has ended.

        Raises
        ------
        DamagedGzip
            It is gzip that stops in the middle, is damaged, or has something else behind it. What comes
            before that has been given.
        """
        if self._is_gzip is None:
            if piece == MAGIC[:1] and not self._held:
                self._held = piece
                return
            piece = self._held + piece
            self._is_gzip = piece.startswith(MAGIC)
        if self._is_gzip:
            yield from self._unpack_gzip(piece)
        else:
            self.n_bytes += len(piece)
            yield piece

    def _unpack_gzip(self, piece: bytes) -> Iterator[bytes]:
        """Go through the members of gzip, which may stand one behind the other, with zeros after them."""
        if not piece and not self._member.eof:
            raise DamagedGzip("stops in the middle")
        while piece:
            if self._member.eof:
                rest = piece.lstrip(b"\0")
                self.n_bytes += len(piece) - len(rest)
                if not rest:
                    return
                piece = rest
                self._member = zlib.decompressobj(GZIP)
            try:
                chunk = self._member.decompress(piece, CHUNK_BYTES)
            except zlib.error as error:
                raise DamagedGzip(f"is damaged, or something else follows its end ({error})") from error
            rest = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            self.n_bytes += len(piece) - len(rest)
            piece = rest
            yield chunk
