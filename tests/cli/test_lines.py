"""The lines of files: where they end, what is gzip, what is damaged, and when a line is ready."""

import bz2
import gzip
import importlib.util
import io
import lzma
import os
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distilnp import InputFileError
from distilnp.cli.lines import CHUNK_BYTES, Lines, open_lines

PIECES = [b"a", b"\n", b"\r", b"\r\n", "é".encode()]


def lines_of(content: bytes) -> list[str]:
    return list(Lines(io.BytesIO(content), "FILE"))


def lines_and_error(content: bytes) -> tuple[list[str], str]:
    """Return the lines before the error, and its message."""
    lines = []
    with pytest.raises(InputFileError) as caught:
        for line in Lines(io.BytesIO(content), "FILE"):
            lines.append(line)  # noqa: PERF402 (the lines before the error count)
    return lines, str(caught.value)


class OneByteAtATime(io.BytesIO):
    """The worst pipe: every chunk ends in the middle of something."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(1)


# ------------------------------------------------------------------------------------------------------- text


@given(st.lists(st.sampled_from(PIECES)).map(b"".join))
def test_lines_do_not_depend_on_where_a_chunk_ends(content: bytes) -> None:
    expected = list(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline=""))
    assert lines_of(content) == expected
    assert list(Lines(OneByteAtATime(content), "FILE")) == expected


def test_a_byte_that_is_not_utf8_is_reported_after_the_lines_before_it() -> None:
    lines, message = lines_and_error(b"fine\ncaf\xe9\nfine\n")
    assert lines == ["fine\n"]
    assert message.startswith("FILE, line 2: byte 4 is 0xe9, expected text in UTF-8.")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_recognised(encoding: str) -> None:
    lines, message = lines_and_error("first\nsecond\n".encode(encoding))
    assert not lines
    assert "UTF-16" in message


# ------------------------------------------------------------------------------------------------------- gzip


SOME_LINES = st.lists(st.sampled_from([*PIECES, b"\x1f"])).map(b"".join)


@given(st.lists(SOME_LINES, min_size=1))
def test_gzip_has_the_lines_that_were_packed_wherever_a_chunk_ends(members: list[bytes]) -> None:
    packed = b"".join(map(gzip.compress, members))
    for file in (io.BytesIO(packed), OneByteAtATime(packed), io.BytesIO(packed + bytes(9))):
        assert list(Lines(file, "FILE")) == lines_of(b"".join(members))


def zstd_compress(content: bytes) -> bytes:
    for name in ("compression.zstd", "backports.zstd"):
        if importlib.util.find_spec(name.partition(".")[0]):
            return importlib.import_module(name).compress(content)
    pytest.skip("no package packs zstd")


@given(st.lists(SOME_LINES, min_size=1))
@pytest.mark.parametrize("compress", [bz2.compress, lzma.compress, zstd_compress])
def test_other_packed_files_have_the_lines_that_were_packed_wherever_a_chunk_ends(
    compress: Callable[[bytes], bytes], members: list[bytes]
) -> None:
    packed = b"".join(map(compress, members))
    for file in (io.BytesIO(packed), OneByteAtATime(packed)):
        assert list(Lines(file, "FILE")) == lines_of(b"".join(members))


@pytest.mark.parametrize("compress", [bz2.compress, lzma.compress, zstd_compress])
def test_damaged_packed_files_are_errors_after_the_lines_before_the_damage(
    compress: Callable[[bytes], bytes],
) -> None:
    packed = compress(b"a\nb\n")
    for content, message in (
        (packed[:-3], "stops in the middle"),
        (packed + b"more than a header" * 3, "is damaged, or something else follows its end"),
        (packed[:12] + b"\xff\xff\xff" + packed[15:], "(is damaged|stops)"),
    ):
        with pytest.raises(InputFileError, match=f"^FILE, after line [0-2]: the .* file {message}"):
            list(Lines(io.BytesIO(content), "FILE"))


@pytest.mark.parametrize("content", [b"B\n", b"BZh9\nBZ", b"(\n", b"BZh91AY"])
def test_text_that_begins_like_a_packed_file_is_text(content: bytes) -> None:
    assert list(Lines(OneByteAtATime(content), "FILE")) == lines_of(content)


@given(SOME_LINES.map(lambda content: b"\x1f" + content))
def test_text_that_begins_with_the_first_byte_of_gzip_is_text(content: bytes) -> None:
    lines = list(Lines(OneByteAtATime(content), "FILE"))
    assert lines[0].startswith("\x1f")
    assert lines == lines_of(content)


def test_progress_in_a_gzip_file_is_counted_in_bytes_on_the_disk(tmp_path: Path) -> None:
    content = "".join(f"{number**9}\n" for number in range(100_000))
    path = tmp_path / "numbers.gz"
    path.write_bytes(gzip.compress(content.encode()))
    with open_lines(os.fspath(path)) as lines:
        assert lines.size == path.stat().st_size > 3 * CHUNK_BYTES
        counts = []
        for line in lines:
            counts.append(lines.n_bytes)
            assert line == f"{(lines.number - 1) ** 9}\n"
    halves = counts[len(counts) // 2] / lines.size
    assert 0.4 < halves < 0.6
    assert counts[-1] == lines.size
    assert not lines.ready()


def test_gzip_that_unpacks_to_a_thousand_times_its_size_takes_little_memory() -> None:
    packed = io.BytesIO(gzip.compress(b"%099d\n" % 7 * 300_000))
    assert len(packed.getvalue()) < CHUNK_BYTES * 2
    tracemalloc.start()
    n_lines = sum(1 for _ in Lines(packed, "FILE"))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n_lines == 300_000
    assert most < 1_000_000  # the text has 30 million bytes


PACKED = gzip.compress(b"a\nb\n")


@pytest.mark.parametrize(
    ("content", "expected_lines", "message"),
    [
        (PACKED[:-1], ["a\n", "b\n"], "FILE, after line 2: the gzip file stops in the middle. Fetch or"),
        (PACKED[:5], [], "FILE, after line 0: the gzip file stops in the middle"),
        (PACKED + PACKED[:5], ["a\n", "b\n"], "FILE, after line 2: the gzip file stops in the middle"),
        (PACKED + b"more", ["a\n", "b\n"], "FILE, after line 2: the gzip file is damaged, or something else"),
        (PACKED[:-8] + bytes(8), [], "FILE, after line 0: the gzip file is damaged"),  # the checksum
        (PACKED[:10] + b"\xff" + PACKED[11:], [], "FILE, after line 0: the gzip file is damaged"),
    ],
)
def test_damaged_gzip_is_an_error_after_the_lines_before_it(
    content: bytes, expected_lines: list[str], message: str
) -> None:
    lines, error = lines_and_error(content)
    assert lines == expected_lines
    assert error.startswith(message)


@given(st.binary(max_size=60), st.integers(0, 60))
def test_damaged_gzip_raises_an_input_file_error_or_none(damage: bytes, place: int) -> None:
    packed = gzip.compress(b"text\n" * 10)
    file = io.BytesIO(packed[:place] + damage + packed[place + len(damage) :])
    try:
        list(Lines(file, "FILE"))
    except InputFileError as error:
        assert str(error).startswith("FILE, ")


def test_a_gzip_pipe_is_ready_when_a_whole_line_has_arrived() -> None:
    end, other_end = os.pipe()
    with os.fdopen(end, "rb", 0) as file, os.fdopen(other_end, "wb", 0) as pipe:
        lines = Lines(file, "PIPE")
        member = gzip.compress(b"first\nsecond\nthird\n")
        pipe.write(member[:12])  # the header and two more bytes
        assert not lines.ready()
        pipe.write(member[12:])
        assert lines.ready()
        assert [next(lines), next(lines)] == ["first\n", "second\n"]
        assert lines.ready()
        assert next(lines) == "third\n"
        assert not lines.ready()
        pipe.write(b"garbage")
        assert not lines.ready()
        with pytest.raises(InputFileError, match="PIPE, after line 3: the gzip file is damaged"):
            next(lines)


# -------------------------------------------------------------------------------------------- files and pipes


def test_a_file_knows_its_size_and_how_much_of_it_was_read(tmp_path: Path) -> None:
    (tmp_path / "texts").write_bytes("é\nb\n".encode())
    with open_lines(os.fspath(tmp_path / "texts")) as lines:
        assert (lines.size, lines.n_bytes, lines.is_terminal) == (5, 0, False)
        next(lines)
        assert lines.n_bytes == 3
        assert lines.ready()
        next(lines)
        assert not lines.ready()


def test_a_pipe_is_ready_when_a_whole_line_has_arrived() -> None:
    end, other_end = os.pipe()
    with os.fdopen(end, "rb", 0) as file, os.fdopen(other_end, "wb", 0) as pipe:
        lines = Lines(file, "PIPE")
        assert lines.size is None
        assert not lines.ready()
        pipe.write(b"first\nsecond\nthi")
        assert lines.ready()
        assert next(lines) == "first\n"
        assert lines.ready()
        assert next(lines) == "second\n"
        assert not lines.ready()
        pipe.write(b"rd\n")
        assert lines.ready()
        assert next(lines) == "third\n"


def test_a_pipe_that_does_not_block_is_waited_for() -> None:
    end, other_end = os.pipe()
    os.set_blocking(end, False)
    with os.fdopen(end, "rb", 0) as file, os.fdopen(other_end, "wb", 0) as pipe:
        later = threading.Timer(0.1, pipe.write, [b"a\n"])
        later.start()
        assert next(Lines(file, "PIPE")) == "a\n"
        later.join()


def test_a_file_that_cannot_be_opened_is_an_input_file_error(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="No such file"), open_lines(os.fspath(tmp_path / "none")):
        pass
    with pytest.raises(InputFileError, match="Is a directory"), open_lines(os.fspath(tmp_path)):
        pass
