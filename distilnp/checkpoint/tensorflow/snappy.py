"""Snappy, which a table may compress its blocks with: only how to undo it.

https://github.com/google/snappy/blob/main/format_description.txt
"""

from .protobuf import Damaged, varint

# The kinds of an element, in the two lowest bits of its first byte: some bytes as they are, or a copy of
# earlier output whose distance has 1, 2 or 4 bytes. With 1 byte, three more bits of the distance are in the
# first one.
LITERAL, COPY_1 = 0, 1
DISTANCE_BYTES = (0, 1, 2, 4)


def decompress(data: bytes, largest: int) -> bytes:
    """Return what was compressed.

    Raises
    ------
    Damaged
        The data are damaged, or would become more than `largest` bytes.
    """
    size, position = varint(data, 0)
    if size > largest:
        raise Damaged(f"a block becomes {size} bytes, expected at most {largest}")
    output = bytearray()
    while position < len(data):
        tag = data[position]
        position += 1
        kind, upper = tag & 3, tag >> 2
        if kind == LITERAL:
            if upper >= 60:  # the length itself is in the next one to four bytes
                n_bytes = upper - 59
                upper = int.from_bytes(data[position : position + n_bytes], "little")
                position += n_bytes
            length = upper + 1
            if length > len(data) - position:
                raise Damaged("a compressed block ends too early")
            output += data[position : position + length]
            position += length
        else:
            n_bytes = DISTANCE_BYTES[kind]
            distance = int.from_bytes(data[position : position + n_bytes], "little")
            position += n_bytes
            length = upper + 1
            if kind == COPY_1:
                length, distance = (upper & 7) + 4, (upper >> 3) << 8 | distance
            if not 0 < distance <= len(output) or position > len(data):
                raise Damaged("a compressed block copies from outside itself")
            # A copy may go on into its own output, which then repeats.
            piece = output[-distance:][:length]
            output += (piece * (length // len(piece) + 1))[:length]
        if len(output) > size:
            raise Damaged(f"a compressed block becomes more than the {size} bytes that it states")
    if len(output) != size:
        raise Damaged(f"a compressed block becomes {len(output)} bytes, expected {size}")
    return bytes(output)
