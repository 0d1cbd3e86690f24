"""The content of a file, whose bytes may be packed with gzip or not.

Python's own gzip files cannot say whether the next byte has already arrived.
"""

import zlib
from collections.abc import Iterator

# Every gzip file begins with these bytes (RFC 1952). No text does: U+001F is a control character, and a byte
# 0x8b after it is not UTF-8.
MAGIC = b"\x1f\x8b"

# The most bytes that are unpacked at once: a file may unpack to a thousand times its size.
CHUNK_BYTES = 65536

# For zlib: the largest window, and a gzip header and checksum around the data.
GZIP = zlib.MAX_WBITS + 16


class DamagedGzip(Exception):
    """A gzip file cannot be unpacked any further; the message continues the words "the gzip file"."""


class Unpacker:
    """The content of a file whose bytes arrive in pieces.

    Attributes
    ----------
    n_bytes : int
        The bytes of the file whose content has been returned.
    """

    def __init__(self) -> None:
        self.n_bytes = 0
        self._held = b""  # a first byte that could be gzip's
        self._is_gzip: bool | None = None
        self._member = zlib.decompressobj(GZIP)

    def unpack(self, piece: bytes) -> Iterator[bytes]:
        """Yield the content of the next piece, which may be nothing yet; `b""` marks the end of the file.

        Raises
        ------
        DamagedGzip
            The file is gzip, and stops in the middle, is damaged, or is followed by something else. The
            content before the damage has been yielded.
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
        """Unpack the members of a gzip file, one after the other; zeros may follow each of them."""
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
