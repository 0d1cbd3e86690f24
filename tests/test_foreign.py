"""Files and text from strangers: files are read up to a limit, and text does nothing to a terminal."""

import os
from pathlib import Path

import pytest

from distilnp.foreign import MAX_SHOWN, printable, printable_lines, read_file, shown, size_of


@pytest.mark.parametrize("read", [read_file, size_of])
def test_a_file_is_read(tmp_path: Path, read: object) -> None:
    (tmp_path / "file").write_bytes(b"12345")

    assert read(tmp_path / "file") in (b"12345", 5)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")

    assert read_file(tmp_path / "file", largest=5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_file(tmp_path / "file", largest=4)


@pytest.mark.parametrize("read", [read_file, size_of])
def test_only_files_are_opened(tmp_path: Path, read: object) -> None:
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(OSError, match="it is not a file"):
            read(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is not a file"):
        read(tmp_path)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "gone")


def test_a_value_is_shown_as_python_writes_it() -> None:
    assert shown("a\n\ud800\x1b[31m") == r"'a\n\ud800\x1b[31m'"
    assert shown({"a": 1}) == "{'a': 1}"


def test_a_long_value_is_cut_short() -> None:
    assert shown("x" * 1000) == "'" + "x" * (MAX_SHOWN - 1) + "..."
    assert shown([1, 2, 3], longest=3) == "[1,..."


def test_a_value_too_deep_to_print_is_described() -> None:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]

    assert shown(value) == "list with brackets too deep"


class Loud:
    """An object of a stranger's class, which does in its repr whatever it likes."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def __repr__(self) -> str:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


NESTED: list[object] = []
for _ in range(990):
    NESTED = [NESTED]

ODD_VALUES = [
    10**5000,
    -(10**5000),
    [10**5000],
    {"a": [{"b": 10**5000}]},
    Loud(KeyError("none")),
    Loud(MemoryError()),
    Loud(RecursionError()),
    Loud(1),
    Loud("\x1b[31m\n\u202e" * 1000),
    [Loud(ValueError())],
    type("\x1b\n", (), {"__repr__": lambda self: 1 / 0})(),
    NESTED,
    "\ud800\u202e\x1b]0;title\x07\r\n",
    b"\xff\x00",
    float("nan"),
]


@pytest.mark.parametrize("value", ODD_VALUES, ids=range(len(ODD_VALUES)))
def test_any_value_is_shown_in_one_short_line_that_every_encoding_has(value: object) -> None:
    text = shown(value)

    assert 0 < len(text) <= MAX_SHOWN + len("...")
    assert text.isprintable()
    text.encode("utf-8")


def test_a_long_number_is_described_by_its_length() -> None:
    assert shown(10**5000) == shown(-(10**5000)) == "an integer of about 5,001 digits"
    assert shown(10**20) == "1" + "0" * 20


@pytest.mark.parametrize("depth", range(880, 1010, 3))
def test_a_value_of_any_depth_is_shown(depth: int) -> None:
    """The parser of JSON can make a value that is deeper than what repr can follow."""
    value: list[object] = []
    for _ in range(depth):
        value = [value]

    assert shown(value).startswith(("[[[", "list with brackets too deep"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain name (1).txt", "plain name (1).txt"),
        ("悲しみ é ß", "悲しみ é ß"),
        ("می\u200cخواهم \U0001f469\u200d\U0001f4bb", "می\u200cخواهم \U0001f469\u200d\U0001f4bb"),
        ("\x1b]0;t\x07", r"\x1b]0;t\x07"),
        ("a\nb\r\tc\x00\x7f\x85", r"a\nb\r\tc\x00\x7f\x85"),
        ("\u202eevil\u2066\u2028\ufeff", r"\u202eevil\u2066\u2028\ufeff"),
        ("bad\udcff\ud800", r"bad\udcff\ud800"),
        ("back\\slash 'quoted'", "back\\slash 'quoted'"),
        (Path("a\nb"), r"a\nb"),
    ],
)
def test_a_name_is_printable_and_otherwise_unchanged(text: object, expected: str) -> None:
    assert printable(text) == expected


def test_every_character_that_is_not_printable_is_escaped() -> None:
    """The two joiners are invisible and harmless: some scripts and emoji are spelled with them."""
    changed = [code for code in range(0x110000) if printable(chr(code)) != chr(code)]

    assert [chr(code) for code in changed] == [
        chr(code) for code in range(0x110000) if not chr(code).isprintable() and code not in (0x200C, 0x200D)
    ]


def test_a_long_name_is_cut_short() -> None:
    assert printable("x" * 10, longest=3) == "xxx..."
    assert printable("x" * 1000) == "x" * 1000


def test_only_the_first_line_of_a_message_is_at_the_margin() -> None:
    message = "model.safetensors: a\ndistilnp: all is well\n  - fault\r\x1b[2K\n"

    assert printable_lines(message) == (
        "model.safetensors: a\n  distilnp: all is well\n" + r"  - fault\r\x1b[2K"
    )
