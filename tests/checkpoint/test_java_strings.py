"""Sequence files of Java objects: texts and numbers are read, and anything else is refused and never made."""

import pytest
from support.tensorflow_files import (
    TUPLE,
    TUPLES,
    described,
    java_array,
    java_integer,
    java_pair,
    java_text,
    pairs_file,
    sequence_file,
    utf,
)

from distilnp.checkpoint.java_strings import NotPairs, read_pairs

STREAM = b"\xac\xed\0\5"


def test_texts_and_numbers_are_read() -> None:
    pairs = {"film": 0, "": 1, "Zürich": 2, "电": 3, **{f"w{i}": i for i in range(4, 30)}}

    assert read_pairs(pairs_file(pairs)) == list(pairs.items())


def test_a_text_may_be_a_value() -> None:
    assert read_pairs(sequence_file([java_array([java_pair(java_text("a"), java_text("b"))])])) == [
        ("a", "b")
    ]


def test_a_number_may_be_negative_or_long() -> None:
    long = b"\x73" + described("java.lang.Long", {"value": "J"}, described("java.lang.Number", {}))
    items = [java_pair(java_text("a"), java_integer(-5)), java_pair(java_text("b"), long + b"\0" * 7 + b"\7")]

    assert read_pairs(sequence_file([java_array(items)])) == [("a", -5), ("b", 7)]


def test_a_reference_stands_for_what_came_before() -> None:
    """Handles are counted from 0x7E0000: the array's class, the array, the class of a pair, and so on."""
    first = java_pair(java_text("a"), java_integer(7))
    # The pair's class has the handle 2, and its members' classes 3 and 4. The pair is 5, its text 6.
    second = b"\x73\x71\0\x7e\0\2" + b"\x71\0\x7e\0\6" + java_integer(8)

    assert read_pairs(sequence_file([java_array([first, second])])) == [("a", 7), ("a", 8)]


def test_text_is_decoded_as_java_encodes_it() -> None:
    """NUL has two bytes, and a character beyond 16 bits is a pair of surrogates of three bytes each."""
    emoji = "\N{GRINNING FACE}".encode("utf-16-be")
    halves = b"".join(
        chr(int.from_bytes(emoji[i : i + 2], "big")).encode("utf-8", "surrogatepass") for i in (0, 2)
    )
    text = b"\x74" + (len(halves) + 2).to_bytes(2, "big") + b"\xc0\x80" + halves
    long_text = b"\x7c" + (70_000).to_bytes(8, "big") + b"x" * 70_000

    pairs = read_pairs(
        sequence_file([java_array([java_pair(text, java_integer(1)), java_pair(long_text, text)])])
    )

    assert pairs == [("\0\N{GRINNING FACE}", 1), ("x" * 70_000, "\0\N{GRINNING FACE}")]


def test_marks_between_records_are_skipped() -> None:
    whole = pairs_file({"a": 1})
    begin = whole.index(b"s" * 16) + 16

    marked = whole[:begin] + b"\xff\xff\xff\xff" + b"s" * 16 + whole[begin:]

    assert read_pairs(marked) == [("a", 1)]


def array_of(item: bytes) -> bytes:
    return sequence_file([java_array([item])])


def nested(depth: int) -> bytes:
    return java_pair(java_text("a"), nested(depth - 1)) if depth else b"\x70"


FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "ends too early"),
    "another file": (b"[UNK]\n[CLS]\n", "does not begin as a Hadoop sequence file"),
    "other values": (sequence_file([]).replace(b"BytesWritable", b"DoubleWritabl"), "its values are"),
    "compressed": (sequence_file([], b"\1\0"), "it is compressed"),
    "compressed blocks": (sequence_file([], b"\1\1"), "it is compressed"),
    "cut": (pairs_file({"a": 1})[:-1], "ends too early"),
    "a record of 2 GB": (sequence_file([]) + b"\x7f\xff\xff\xff\0\0\0\0", "ends too early"),
    "a record of negative length": (sequence_file([]) + b"\xff\xff\xff\xf0\0\0\0\0", "ends too early"),
    "a key longer than its record": (sequence_file([]) + b"\0\0\0\4\0\0\0\x08" + bytes(20), "ends too early"),
    "a mark of another file": (
        sequence_file([]) + b"\xff" * 4 + b"x" * 16,
        "a mark in it is not the file's own",
    ),
    "a million facts": (sequence_file([]).replace(bytes(4) + b"s", b"\x7f\xff\xff\xffs"), "ends too early"),
    "no stream": (sequence_file([b"abcdefgh"]), "is not a stream of Java objects"),
    "no array": (sequence_file([STREAM + java_text("a")]), "holds str, expected an array"),
    "an array of an exabyte": (
        sequence_file([STREAM + b"\x75" + TUPLES + b"\xff\xff\xff\xff"]),
        "ends too early",
    ),
    "texts": (array_of(java_text("a")), "it holds str, expected pairs"),
    "nothing": (array_of(b"\x70"), "it holds NoneType"),
    "a number for a text": (array_of(java_pair(java_integer(1), java_integer(1))), "it holds tuple"),
    "a pair of nothing": (array_of(java_pair(java_text("a"), b"\x70")), "it holds tuple"),
    "another class": (
        array_of(b"\x73" + described("java.net.URL", {"host": "L"}) + java_text("x")),
        r"asks for the class 'java\.net\.URL', which pairs do not need",
    ),
    "a famous gadget": (
        array_of(b"\x73" + described("org.apache.commons.collections.functors.InvokerTransformer", {})),
        "InvokerTransformer', which pairs do not need",
    ),
    "a pair with other fields": (
        array_of(b"\x73" + described("scala.Tuple2", {"_1": "L"})),
        "is not described as",
    ),
    "a class that writes itself": (
        array_of(
            b"\x73"
            + TUPLE.replace(utf("scala.Tuple2") + bytes(8) + b"\2", utf("scala.Tuple2") + bytes(8) + b"\3")
        ),
        "is not described as",
    ),
    "a class as its own parent": (
        array_of(b"\x73" + described("java.lang.Number", {}, b"\x71\0\x7e\0\2")),
        "leads nowhere, or to the object that it is in",
    ),
    "a pair in itself": (
        array_of(java_pair(java_text("a"), b"\x71\0\x7e\0\5")),
        "or to the object that it is in",
    ),
    "a reference to the future": (array_of(b"\x71\0\x7f\0\0"), "leads nowhere"),
    "a reference before the first": (array_of(b"\x71\0\0\0\0"), "leads nowhere"),
    "a text as a class": (
        array_of(java_pair(java_text("a"), b"\x73\x71\0\x7e\0\6")),
        "leads to something other than a class",
    ),
    "pairs in pairs": (array_of(nested(20)), "nested more than 8 deep"),
    "classes in classes": (
        array_of(b"\x73" + described("java.lang.Number", {}, described("java.lang.Number", {}))),
        "it holds NoneType",
    ),
    "an exception": (array_of(b"\x7b"), "of kind 0x7b, which pairs do not need"),
    "a proxy": (array_of(b"\x73\x7d"), "of kind 0x7d, which pairs do not need"),
    "a block of data": (array_of(b"\x77\5hello"), "of kind 0x77, which pairs do not need"),
    "text that is no UTF-8": (array_of(java_pair(b"\x74\0\1\xff", java_integer(1))), "is not UTF-8"),
    "half a surrogate": (array_of(java_pair(b"\x74\0\3\xed\xa0\x80", java_integer(1))), "is not UTF-8"),
}


@pytest.mark.parametrize("name", FILES)
def test_another_file_is_refused(name: str) -> None:
    data, reason = FILES[name]

    with pytest.raises(NotPairs, match=reason):
        read_pairs(data)


def test_a_stream_that_refers_to_itself_again_and_again_takes_no_memory() -> None:
    """Each array holds the one before it twice; written out, the last would have 2 to the 60th items."""
    objects = described("[Ljava.lang.Object;", {})
    items = [b"\x75" + objects + b"\0\0\0\1" + java_text("a")]
    handle = 2  # of the class that the arrays inside share; the first of them is 3, and its text 4
    for i in range(60):
        previous = (0x7E0003 + (0 if i == 0 else 1) + i).to_bytes(4, "big")
        items.append(
            b"\x75\x71" + (0x7E0000 + handle).to_bytes(4, "big") + b"\0\0\0\2" + 2 * (b"\x71" + previous)
        )

    with pytest.raises(NotPairs, match="it holds list, expected pairs"):
        read_pairs(sequence_file([java_array(items)]))
