"""The content of a file whose bytes may be packed with gzip, bzip2, xz or zstd.

Python's own packed files cannot say whether the next byte has already arrived.
"""

import zlib
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, NamedTuple

# The most bytes that are unpacked at once: a file may unpack to a thousand times its size.
CHUNK_BYTES = 65536

# For zlib: the largest window, and a gzip header and checksum around the data.
GZIP = zlib.MAX_WBITS + 16


class Packing(NamedTuple):
    """A way to pack files: its name, their first bytes, and where a decompressor may be.

    The decompressors of all modules have the interface of `bz2.BZ2Decompressor`.
    """

    name: str
    magics: tuple[bytes, ...]
    modules: tuple[str, ...]
    decompressor: str
    error: str | None  # of the module; bzip2 has only those of Python


# No text begins like these: U+001F is a control character, 0x8b, 0xfd and 0xb5 begin no character of UTF-8,
# and the digits of pi are the header of bzip2.
PACKINGS = (
    Packing("gzip", (b"\x1f\x8b",), (__name__,), "_Gzip", "ZlibError"),  # RFC 1952
    Packing(
        "bzip2",
        tuple(
            b"BZh%d" % level + end
            for level in range(1, 10)
            for end in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")
        ),
        ("bz2",),
        "BZ2Decompressor",
        None,
    ),
    Packing("xz", (b"\xfd7zXZ\0",), ("lzma",), "LZMADecompressor", "LZMAError"),
    # Python has it from 3.14 on; the other one is the same code for older versions.
    Packing(
        "zstd",
        (b"\x28\xb5\x2f\xfd",),
        ("compression.zstd", "backports.zstd"),
        "ZstdDecompressor",
        "ZstdError",
    ),
)
MAGICS = {magic: packing for packing in PACKINGS for magic in packing.magics}

ZlibError = zlib.error


class Damaged(Exception):
    """A packed file cannot be unpacked any further; the message continues the words "after line 3: "."""


class Unpacker:
    """The content of a file whose bytes arrive in pieces.

    Attributes
    ----------
    n_bytes : int
        The bytes of the file whose content has been returned. Only of gzip, it is known to the byte.
    is_packed : bool
        Whether the file is packed, as far as it has been read.
    """

    def __init__(self) -> None:
        self.n_bytes = 0
        self.is_packed = False
        self._held: bytes | None = b""  # the first bytes, as long as they may become those of a packed file
        self._name = ""
        self._new_member: Callable[[], Any] = _Gzip
        self._errors: tuple[type[Exception], ...] = ()
        self._member: Any = None

    def unpack(self, piece: bytes) -> Iterator[bytes]:
        """Yield the content of the next piece, which may be nothing yet; `b""` marks the end of the file.

        Raises
        ------
        Damaged
            The file is packed, and stops in the middle, is damaged, or is followed by something else. The
            content before the damage has been yielded.
        """
        if self._held is not None:
            head = self._held + piece
            if piece and any(len(head) < len(magic) and magic.startswith(head) for magic in MAGICS):
                self._held = head
                return
            self._held = None
            self._recognise(head)
            if head:
                yield from self._content(head)
            if piece:
                return
        yield from self._content(piece)

    def _recognise(self, head: bytes) -> None:
        """Prepare to unpack what begins like this; a file that nothing here can unpack stays as it is."""
        packing = next((packing for magic, packing in MAGICS.items() if head.startswith(magic)), None)
        module = packing and _first_of(packing.modules)
        if packing is None or module is None:
            return
        self._name = packing.name
        self._new_member = getattr(module, packing.decompressor)
        self._errors = (OSError, ValueError, EOFError, getattr(module, packing.error or "", ValueError))
        self._member = self._new_member()
        self.is_packed = True

    def _content(self, piece: bytes) -> Iterator[bytes]:
        if self._member is None:
            self.n_bytes += len(piece)
            yield piece
        elif piece or self._member.eof:
            yield from self._unpack(piece)
        else:
            raise Damaged(f"the {self._name} file stops in the middle")

    def _unpack(self, piece: bytes) -> Iterator[bytes]:
        """Unpack the members of a file, one after the other; zeros may follow each of them."""
        while piece or not (self._member.eof or self._member.needs_input):
            if self._member.eof:
                rest = piece.lstrip(b"\0")
                self.n_bytes += len(piece) - len(rest)
                if not rest:
                    return
                piece = rest
                self._member = self._new_member()
            n_given = len(piece) + self._n_waiting()
            try:
                chunk = self._member.decompress(piece, CHUNK_BYTES)
            except self._errors as error:
                raise Damaged(
                    f"the {self._name} file is damaged, or something else follows its end ({error})"
                ) from error
            piece = self._member.unused_data if self._member.eof else b""
            self.n_bytes += n_given - len(piece) - self._n_waiting()
            yield chunk

    def _n_waiting(self) -> int:
        """Return how many bytes of the last piece are not unpacked yet, which only gzip tells."""
        return len(getattr(self._member, "waiting", b""))


class _Gzip:
    """A member of a gzip file, with the interface of the decompressors of bzip2, xz and zstd."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(GZIP)
        self.waiting = b""

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    @property
    def needs_input(self) -> bool:
        return not self.waiting

    def decompress(self, piece: bytes, max_length: int) -> bytes:
        chunk = self._member.decompress(self.waiting + piece, max_length)
        self.waiting = self._member.unconsumed_tail
        return chunk


def _first_of(modules: tuple[str, ...]) -> Any:
    """Return the first of these modules that is there, or None. Most are imported for few files."""
    for name in modules:
        try:
            return import_module(name)
        except ImportError:
            continue
    return None
