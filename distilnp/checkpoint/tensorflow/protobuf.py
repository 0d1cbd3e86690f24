"""The wire format of protocol buffers: a message as its fields, each with a number and a value.

A message says nothing about its fields but their numbers. The modules that read one know what each is:
`bundle` and `graph` have the numbers of TensorFlow's messages.
https://protobuf.dev/programming-guides/encoding
"""

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

# A varint has 7 bits in each byte, so that 64 bits take at most this many.
MAX_VARINT_BYTES = 10


class Damaged(Exception):
    """The bytes are not in the format that they should be in."""


def varint(data: bytes, position: int) -> tuple[int, int]:
    """Return the integer at a position, and the position after it.

    Raises
    ------
    Damaged
        The data end too early, or the integer has more than 64 bits.
    """
    value = 0
    for shift in range(0, 7 * MAX_VARINT_BYTES, 7):
        if position >= len(data):
            raise Damaged("it ends inside an integer")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> 64:
                break
            return value, position
    raise Damaged("an integer has more than 64 bits")


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number and the value of each field of a message, in the order in which they are stored.

    The value of a field of fixed width is its bytes. A nested message, a text and a packed list of numbers
    are bytes as well: the format does not tell them apart.

    Raises
    ------
    Damaged
        The data are not a message.
    """
    position, end = 0, len(data)
    while position < end:
        # Almost all tags and lengths have one byte, and a graph has a hundred thousand of them.
        tag = data[position]
        position += 1
        if tag >= 0x80:
            tag, position = varint(data, position - 1)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, position = varint(data, position)
            yield number, value
            continue
        if kind == BYTES:
            length, position = varint(data, position)
        elif kind in (FIXED32, FIXED64):
            length = 4 if kind == FIXED32 else 8
        else:
            raise Damaged(
                f"it has a field of kind {kind}, expected {VARINT}, {FIXED64}, {BYTES} or {FIXED32}"
            )
        if length > end - position:
            raise Damaged("it ends inside a field")
        yield number, data[position : position + length]
        position += length


class Message:
    """A message whose fields are looked up by their numbers; the last value of a number counts.

    Raises
    ------
    Damaged
        The data are not a message, or a field has another type than the one that is asked for.
    """

    def __init__(self, data: object) -> None:
        if not isinstance(data, bytes):
            raise Damaged("a number stands where a message is expected")
        self._values: dict[int, list[int | bytes]] = {}
        for number, value in fields(data):
            self._values.setdefault(number, []).append(value)

    def integer(self, number: int, default: int = 0) -> int:
        """Return an integer, or the default if it is not there."""
        value = self._values.get(number, [default])[-1]
        if isinstance(value, bytes):
            raise Damaged(f"field {number} is bytes, expected an integer")
        return value

    def content(self, number: int) -> bytes:
        """Return the bytes of a field, none if it is not there."""
        value = self._values.get(number, [b""])[-1]
        if not isinstance(value, bytes):
            raise Damaged(f"field {number} is an integer, expected bytes")
        return value

    def fixed32(self, number: int) -> int:
        """Return an integer of 32 bits, 0 if it is not there."""
        content = self.content(number) or bytes(4)
        if len(content) != 4:
            raise Damaged(f"field {number} has {len(content)} bytes, expected 4")
        return int.from_bytes(content, "little")

    def text(self, number: int) -> str:
        """Return a text, empty if it is not there."""
        return text(self.content(number))

    def messages(self, number: int) -> "Iterator[Message]":
        """Yield the messages of a repeated field."""
        return map(Message, self._values.get(number, ()))

    def has(self, number: int) -> bool:
        """Return whether the field is there."""
        return number in self._values


def text(content: int | bytes) -> str:
    """Return bytes as text.

    Raises
    ------
    Damaged
        They are not UTF-8.
    """
    if not isinstance(content, bytes):
        raise Damaged("a number stands where a text is expected")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Damaged("a text is not UTF-8") from None
