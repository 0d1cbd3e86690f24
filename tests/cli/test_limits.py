"""Whatever a file is, it is read in bounded memory, and ends in one error that says what it is."""

import gzip
import io
import os
import sys
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.children import run_python

from distilnp import InputFileError
from distilnp.cli import json_values, lines, main, readers
from distilnp.cli.bad_rows import BadRows
from distilnp.cli.lines import Lines, open_lines
from distilnp.cli.readers import READERS, Columns, read_rows

MAX_LINE_BYTES = 1 << 16


@pytest.fixture(autouse=True)
def _low_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower the limit of a line, which takes seconds to reach with tracemalloc."""
    for module in (lines, readers, json_values):
        monkeypatch.setattr(module, "MAX_LINE_BYTES", MAX_LINE_BYTES)


class Endless(io.RawIOBase):
    """A file whose first bytes are followed by the same ones for ever."""

    def __init__(self, first: bytes, piece: bytes) -> None:
        self._pieces = self._all_of(first, piece)

    @staticmethod
    def _all_of(first: bytes, piece: bytes) -> Iterator[bytes]:
        if first:
            yield first
        while True:
            yield piece

    def read(self, size: int = -1) -> bytes:
        return next(self._pieces)


def zip_bomb(first: bytes, piece: bytes) -> Endless:
    """Return a gzip file that has `first` and then the same bytes for ever, a thousand times its size."""
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS + 16)
    head = packer.compress(first) + packer.flush(zlib.Z_FULL_FLUSH)
    body = packer.compress(piece * 10) + packer.flush(zlib.Z_FULL_FLUSH)
    return Endless(head, body)


ENDLESS = {
    "zeros": (b"", bytes(65536)),
    "zeros after a line": (b"id,text\n", bytes(65536)),
    "one letter": (b"", b"a" * 65536),
    "one row": (b"id,text\n1,", b"a b, " * 13107),
    "a quote that is not closed": (b'id,text\n1,"', b"a b, \n" * 9362),
    "quotes that are not closed": (b'id;text\n1;"', b'a ""b"" \n' * 9362),
    "a string of JSON": (b'[{"text": "', b"a b, " * 13107),
    "brackets": (b"", b"[" * 65536),
    "an object of columns": (b'{"text": {', b'"1": "a", ' * 6553),
    "a line of JSON": (b'{"text": "a"}\n{"text": "', b"a b, " * 13107),
    "invalid UTF-8": (b"a\n", b"\xff" * 65536),
}


@pytest.mark.parametrize("packing", [Endless, zip_bomb])
@pytest.mark.parametrize("kind", ENDLESS)
@pytest.mark.parametrize("input_format", [None, *READERS])
def test_what_never_ends_is_an_error_in_bounded_memory(
    packing: type, kind: str, input_format: str | None
) -> None:
    file = packing(*ENDLESS[kind])
    tracemalloc.start()
    try:
        with pytest.raises(InputFileError) as caught:
            for n_rows, _ in enumerate(
                BadRows().watch(read_rows(Lines(file, "FILE"), Columns(), input_format=input_format))
            ):
                if n_rows == 5000:  # lines of a quote that is not closed are texts, if lines are wanted
                    assert input_format in ("lines", "tsv")
                    raise InputFileError("FILE goes on")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert str(caught.value).startswith("FILE")
    assert len(str(caught.value)) < 600
    assert most < 2_000_000  # the limit, and some chunks that were unpacked or decoded


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has this device")
@pytest.mark.parametrize("input_format", [[], ["--input-format", "lines"], ["--input-format", "csv"]])
def test_a_device_that_never_ends_is_an_error(
    model: str, input_format: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["classify", "--model", model, "--file", "/dev/zero", *input_format]) == 1
    output, errors = capfd.readouterr()
    assert output == ""
    assert errors.startswith("distilnp: error: /dev/zero, line 1: byte 1 is NUL")


def test_a_long_line_is_a_text_up_to_the_limit() -> None:
    longest = b"a" * (MAX_LINE_BYTES - 1)
    assert [len(line) for line in Lines(io.BytesIO(longest + b"\nb\n"), "FILE")] == [MAX_LINE_BYTES, 2]
    some = Lines(io.BytesIO(b"c\n" + longest + b"a\nb\n"), "FILE")
    assert next(some) == "c\n"
    for _ in range(2):
        with pytest.raises(InputFileError, match=r"^FILE, line 2: the line has more than 65,536 bytes"):
            next(some)


@pytest.mark.parametrize("input_format", ["csv", "tsv", "jsonl", "json"])
def test_an_error_about_many_columns_is_short(input_format: str) -> None:
    names = [f"column{i}" for i in range(2_000)]
    as_json = "{" + ", ".join(f'"{name}": 1' for name in names) + "}"
    content = {"csv": ",".join(names), "tsv": "\t".join(names), "jsonl": as_json, "json": f"[{as_json}]"}
    for columns in (Columns(), Columns("x" * 100_000), Columns("column1", None, ("y",))):
        with pytest.raises(InputFileError) as caught:
            rows = read_rows(
                Lines(io.BytesIO(content[input_format].encode()), "FILE"), columns, input_format=input_format
            )
            list(BadRows().watch(rows))
        assert "'column19' and 1,980 more" in str(caught.value)
        assert len(str(caught.value)) < 600


# ------------------------------------------------------------------------- the input and the output, together

COMMAND = """
import sys
from distilnp.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name != "posix", reason="shells of other systems redirect in other ways")
@pytest.mark.parametrize("redirection", [">> {0}", "> {0}", "1<> {0}"])
@pytest.mark.parametrize("source", ["--file {0}", "< {0}", "--file {0}.link"])
def test_a_file_that_is_also_the_output_is_an_error(
    model: str, tmp_path: Path, environment: dict[str, str], redirection: str, source: str
) -> None:
    import subprocess

    path = tmp_path / "texts"
    path.write_text("w1\n")
    (tmp_path / "texts.link").symlink_to(path)
    command = f"exec {sys.executable} -m distilnp classify --model {model} {source} {redirection}"

    done = subprocess.run(command.format(path), shell=True, env=environment, capture_output=True, timeout=60)

    assert done.returncode == 1
    assert b" is also the output, expected another file. The answers would be read as texts" in done.stderr
    assert path.read_text() == ("" if redirection.startswith("> ") else "w1\n")


def test_a_name_of_a_file_that_is_given_as_a_text_gets_a_hint(model: str, tmp_path: Path) -> None:
    (tmp_path / "reviews.csv").write_text("text\nw1\n")
    done = run_python(COMMAND, "classify", "--model", model, "reviews.csv", "w1", "", ".", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == (
        "distilnp: reviews.csv is a file here. Its name is the text. To classify the texts in it, give "
        "--file reviews.csv\n"
    )
    assert len(done.stdout.splitlines()) == 4


def test_a_name_that_would_move_the_cursor_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / "bad\n\x1b[31m.csv"
    path.write_text("id,review\n")
    named = Lines(io.BytesIO(gzip.compress(b"")), os.fspath(path))
    assert named.name.isprintable()
    assert "\\x1b" in named.name
    with pytest.raises(InputFileError) as caught, open_lines(os.fspath(path) + "\n"):
        pass
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("address", ["gopher://example.org/a.csv", "memory://none.csv"])
def test_an_address_that_cannot_be_opened_is_an_error(address: str) -> None:
    with pytest.raises(InputFileError, match="cannot be read"), open_lines(address):
        pass
