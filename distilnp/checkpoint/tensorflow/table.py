"""Sorted tables, the format of LevelDB in which TensorFlow keeps the index of a checkpoint.

A table is a sequence of blocks. A block has keys and values in order, and a key states how many of its first
bytes are those of the key before it. At the end of the table, a footer says where the block is whose values
are the places of the other blocks.
https://github.com/google/leveldb/blob/main/doc/table_format.md
"""

from collections.abc import Iterator

from .crc32c import masked_crc32c
from .protobuf import Damaged, varint
from .snappy import decompress

MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
FOOTER_BYTES = 48

# After the content of a block: one byte for its compression, and the checksum of both.
TRAILER_BYTES = 5
PLAIN, SNAPPY = 0, 1

# A DistilBERT has 10 kB of keys and values. One of 1024 layers, the most that config.json may ask for, has
# 2 MB. Keys count in full, because a few bytes can state a long one.
MAX_CONTENT_BYTES = 4 << 20


def read_table(data: bytes) -> dict[bytes, bytes]:
    """Return the values of a table by their keys.

    Raises
    ------
    Damaged
        The data are not a whole table, a checksum is wrong, or the table is too large.
    """
    if len(data) < FOOTER_BYTES or data[-len(MAGIC) :] != MAGIC:
        raise Damaged("it does not end as a table does: it is another kind of file, or was cut off")
    footer = data[-FOOTER_BYTES:]
    _, _, position = _place(footer, 0)  # of a block about the table itself, which has nothing to read
    begin, length, _ = _place(footer, position)
    left = MAX_CONTENT_BYTES
    found: dict[bytes, bytes] = {}
    last: bytes | None = None
    for _, place in _entries(_block(data, begin, length, left), left):
        begin, length, _ = _place(place, 0)
        block = _block(data, begin, length, left)
        for key, value in _entries(block, left):
            left -= len(key) + len(value)
            if last is not None and key <= last:
                raise Damaged("its keys are not in order")
            found[key] = value
            last = key
        left -= len(block)
    return found


def _place(data: bytes, position: int) -> tuple[int, int, int]:
    """Return where a block begins, its length, and the position after both."""
    begin, position = varint(data, position)
    length, position = varint(data, position)
    return begin, length, position


def _block(data: bytes, begin: int, length: int, largest: int) -> bytes:
    """Return the content of a block."""
    end = begin + length + TRAILER_BYTES
    if end > len(data) - FOOTER_BYTES:
        raise Damaged("a block goes beyond the end")
    if length > largest:
        raise Damaged(f"it has more than {MAX_CONTENT_BYTES} bytes of keys and values")
    content, compression, stored = data[begin : begin + length], data[begin + length], data[end - 4 : end]
    if masked_crc32c([data[begin : end - 4]]) != int.from_bytes(stored, "little"):
        raise Damaged("the checksum of a block is wrong")
    if compression == SNAPPY:
        return decompress(content, largest)
    if compression != PLAIN:
        raise Damaged(f"a block is compressed by method {compression}, expected {PLAIN} or {SNAPPY}")
    return content


def _entries(block: bytes, largest: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a block; all keys together have at most `largest` bytes."""
    # The block ends with the positions of some keys that are stored in full, and their number.
    end = len(block) - 4 - 4 * int.from_bytes(block[-4:], "little")
    if len(block) < 4 or end < 0:
        raise Damaged("a block is too short for its list of keys")
    position, key = 0, b""
    while position < end:
        n_shared, position = varint(block, position)
        n_own, position = varint(block, position)
        n_value, position = varint(block, position)
        if n_shared > len(key) or n_own + n_value > end - position:
            raise Damaged("a key or a value goes beyond its block")
        key = key[:n_shared] + block[position : position + n_own]
        position += n_own
        largest -= len(key)
        if largest < 0:
            raise Damaged(f"it has more than {MAX_CONTENT_BYTES} bytes of keys and values")
        yield key, block[position : position + n_value]
        position += n_value
