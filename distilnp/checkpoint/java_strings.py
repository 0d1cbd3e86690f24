"""Texts and numbers that Spark has written as Java objects, read without Java.

Spark's `saveAsObjectFile` writes Hadoop sequence files, one for each partition. A record of such a file is an
array in the form of Java's serialization. That form describes classes by name, and Java itself would load
them. This reader knows the few classes of pairs of texts and numbers, and refuses any other.
https://github.com/apache/hadoop/blob/trunk/hadoop-common-project/hadoop-common/src/main/java/org/apache/hadoop/io/SequenceFile.java
https://docs.oracle.com/en/java/javase/21/docs/specs/serialization/protocol.html
"""

from collections.abc import Iterator
from typing import NamedTuple, NoReturn

from ..foreign import shown

MAGIC = b"SEQ\x06"
VALUES = "org.apache.hadoop.io.BytesWritable"

# Before a record stands its length; in place of one, this announces 16 bytes that mark a place in the file.
SYNC = -1
SYNC_BYTES = 16

STREAM = b"\xac\xed\x00\x05"  # Java's magic number, and the version of its form

# The first byte of each thing in a stream.
NULL, REFERENCE, CLASS, OBJECT, TEXT, ARRAY, END, LONG_TEXT = 0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x78, 0x7C
# Handles are counted from here.
FIRST_HANDLE = 0x7E0000
# The flag of a class whose objects are just the values of its fields.
SERIALIZABLE = 2

# What an array, a pair and a number are for Java, with the types of their fields: L is an object, I and J are
# integers of 4 and 8 bytes.
ARRAYS = ("[Lscala.Tuple2;", "[Ljava.lang.Object;", "[Ljava.lang.String;")
FIELDS = {
    "scala.Tuple2": {"_1": "L", "_2": "L"},
    "java.lang.Integer": {"value": "I"},
    "java.lang.Long": {"value": "J"},
    "java.lang.Number": {},
}
WIDTHS = {"I": 4, "J": 8}

# Pairs of texts and numbers in arrays: nothing is nested deeper than this.
MAX_DEPTH = 8


class NotPairs(Exception):
    """A file is damaged, or holds something other than pairs of texts and numbers."""


class _Class(NamedTuple):
    name: str
    fields: dict[str, str]
    parent: "_Class | None"


def read_pairs(data: bytes) -> list[tuple[str, object]]:
    """Return the pairs of a sequence file: a text, and a text or an integer.

    Raises
    ------
    NotPairs
        The file is damaged, compressed, or holds something else.
    """
    pairs: list[tuple[str, object]] = []
    for record in _records(data):
        for item in _Stream(record).array():
            if not (isinstance(item, tuple) and isinstance(item[0], str) and isinstance(item[1], str | int)):
                # Not shown as a value: references can make a short stream a very long one.
                raise NotPairs(
                    f"it holds {type(item).__name__}, expected pairs of a text and a text or a number"
                )
            pairs.append((item[0], item[1]))
    return pairs


class _Reader:
    """Bytes that are taken from the front."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, n_bytes: int) -> bytes:
        end = self._position + n_bytes
        if n_bytes < 0 or end > len(self._data):
            raise NotPairs("it ends too early")
        taken = self._data[self._position : end]
        self._position = end
        return taken

    def integer(self, n_bytes: int) -> int:
        return int.from_bytes(self.take(n_bytes), "big", signed=True)

    def length(self, n_bytes: int) -> int:
        return int.from_bytes(self.take(n_bytes), "big")

    @property
    def n_left(self) -> int:
        return len(self._data) - self._position


def _records(data: bytes) -> Iterator[bytes]:
    """Yield the values of a sequence file. Its keys are empty."""
    file = _Reader(data)
    if file.take(len(MAGIC)) != MAGIC:
        raise NotPairs("it does not begin as a Hadoop sequence file of version 6 does")
    _ = _name(file)  # the class of the keys
    if (values := _name(file)) != VALUES:
        raise NotPairs(f"its values are {shown(values)}, expected {VALUES}")
    if file.take(2) != b"\0\0":
        raise NotPairs("it is compressed, expected a sequence file as Spark NLP writes it")
    for _ in range(2 * file.length(4)):  # facts about the file, by their names
        _name(file)
    sync = file.take(SYNC_BYTES)
    while file.n_left:
        n_bytes = file.integer(4)
        if n_bytes == SYNC:
            if file.take(SYNC_BYTES) != sync:
                raise NotPairs("a mark in it is not the file's own")
            continue
        n_key_bytes = file.integer(4)
        file.take(n_key_bytes)
        value = _Reader(file.take(n_bytes - n_key_bytes))
        yield value.take(value.length(4))


def _name(file: _Reader) -> str:
    """Return a text after its length, which has one byte up to 127. No class has a longer name."""
    try:
        return file.take(file.integer(1)).decode()
    except UnicodeDecodeError:
        raise NotPairs("a name in it is not UTF-8") from None


class _Stream:
    """The stream of one array."""

    def __init__(self, data: bytes) -> None:
        self._reader = _Reader(data)
        self._seen: list[object] = []  # what a reference may refer to, by handle

    def array(self) -> list[object]:
        """Return the array that the stream consists of."""
        if self._reader.take(len(STREAM)) != STREAM:
            raise NotPairs("a record is not a stream of Java objects")
        array = self._value(0)
        if not isinstance(array, list):
            raise NotPairs(f"a record holds {type(array).__name__}, expected an array")
        return array

    def _value(self, depth: int) -> object:
        kind = self._kind(depth)
        if kind == NULL:
            return None
        if kind == REFERENCE:
            return self._referred()
        if kind in (TEXT, LONG_TEXT):
            return self._remember(_text(self._reader.take(self._reader.length(2 if kind == TEXT else 8))))
        if kind == ARRAY:
            return self._array(depth)
        if kind == OBJECT:
            return self._object(depth)
        return self._refuse(kind)

    def _kind(self, depth: int) -> int:
        if depth > MAX_DEPTH:
            raise NotPairs(f"objects are nested more than {MAX_DEPTH} deep")
        return self._reader.length(1)

    def _refuse(self, kind: int) -> NoReturn:
        raise NotPairs(f"a record holds something of kind 0x{kind:02x}, which pairs do not need")

    def _remember(self, value: object) -> object:
        self._seen.append(value)
        return value

    def _referred(self) -> object:
        handle = self._reader.length(4) - FIRST_HANDLE
        # An array or an object that is not complete yet is None here: it may not hold itself.
        if not 0 <= handle < len(self._seen) or self._seen[handle] is None:
            raise NotPairs("a reference leads nowhere, or to the object that it is in")
        return self._seen[handle]

    def _array(self, depth: int) -> object:
        described = self._class(depth)
        if described is None or described.name not in ARRAYS:
            raise NotPairs(
                f"a record holds an array of {shown(described and described.name)}, expected pairs"
            )
        handle = len(self._seen)
        self._remember(None)
        n_items = self._reader.length(4)
        if n_items > self._reader.n_left:  # every item has at least one byte
            raise NotPairs("it ends too early")
        items = [self._value(depth + 1) for _ in range(n_items)]
        self._seen[handle] = items
        return items

    def _object(self, depth: int) -> object:
        described = self._class(depth)
        if described is None or described.name not in FIELDS:
            raise NotPairs(f"a record holds {shown(described and described.name)}, expected pairs")
        handle = len(self._seen)
        self._remember(None)
        values: dict[str, object] = {}
        lineage = []
        while described is not None:
            lineage.append(described)
            described = described.parent
        for part in reversed(lineage):  # the fields of a parent come first
            for name, kind in part.fields.items():
                width = WIDTHS.get(kind)
                values[name] = self._reader.integer(width) if width else self._value(depth + 1)
        made = (values["_1"], values["_2"]) if "_1" in values else values.get("value")
        self._seen[handle] = made
        return made

    def _class(self, depth: int) -> _Class | None:
        """Return the description of a class, or a reference to one."""
        kind = self._kind(depth)
        if kind == NULL:
            return None
        if kind == REFERENCE:
            known = self._referred()
            if not isinstance(known, _Class):
                raise NotPairs("a reference leads to something other than a class")
            return known
        if kind != CLASS:
            self._refuse(kind)
        name = _text(self._reader.take(self._reader.length(2)))
        if name not in FIELDS and name not in ARRAYS:
            raise NotPairs(f"it asks for the class {shown(name)}, which pairs do not need")
        self._reader.take(8)  # a number by which Java knows the version of the class
        handle = len(self._seen)
        self._remember(None)
        flags, fields = self._reader.length(1), {}
        for _ in range(self._reader.length(2)):
            code = chr(self._reader.length(1))
            field = _text(self._reader.take(self._reader.length(2)))
            fields[field] = code
            if code == "L":
                self._value(depth + 1)  # the class of the field, which its value states again
        if self._reader.length(1) != END or flags != SERIALIZABLE or fields != FIELDS.get(name, {}):
            raise NotPairs(f"the class {shown(name)} is not described as Java describes it")
        described = _Class(name, fields, self._class(depth + 1))
        self._seen[handle] = described
        return described


def _text(content: bytes) -> str:
    """Return a text in Java's UTF-8: NUL has two bytes, and a character beyond 16 bits has two halves."""
    try:
        halves = content.replace(b"\xc0\x80", b"\0").decode("utf-8", "surrogatepass")
        return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise NotPairs("a text in it is not UTF-8") from None
