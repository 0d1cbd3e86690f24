"""Files and values from strangers: only files are opened, up to a limit, and values are cut short."""

import os
from pathlib import Path

import pytest

from distilnp.foreign import MAX_SHOWN, read_file, shown, size_of


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
