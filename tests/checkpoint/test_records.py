"""Records of fetched checkpoints: a record that is there and cannot be used is an error that names it."""

import json
import os
from pathlib import Path

import pytest
from huggingface_hub import constants
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distilnp.checkpoint.records import FetchRecord, read_record, record_path, write_record
from distilnp.errors import CheckpointError

RECORD = FetchRecord("0123456789abcdef" * 2 + "01234567", {"config.json": "a" * 64, "vocab.txt": "b" * 64})
WHOLE = json.dumps(RECORD._asdict(), indent=2).encode()


@pytest.fixture(autouse=True)
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of libraries' files, which is empty."""
    monkeypatch.setattr(constants, "HF_ASSETS_CACHE", os.fspath(tmp_path))
    return tmp_path / "distilnp"


def changed(**values: object) -> bytes:
    return json.dumps({**RECORD._asdict(), **values}).encode()


def with_hash(value: object) -> bytes:
    return changed(sha256={"config.json": "a" * 64, "vocab.txt": value})


def test_what_is_written_is_read() -> None:
    assert write_record("org/name@a/branch", RECORD)

    assert read_record("org/name@a/branch") == RECORD
    assert read_record("org/name@another") is None


def test_a_record_replaces_another_whole(assets: Path) -> None:
    write_record("name", RECORD)
    write_record("name", newer := RECORD._replace(commit="f" * 40))

    assert read_record("name") == newer
    assert [path.name for path in assets.iterdir()] == ["name.json"]


COMMITS = ["", "main", "0" * 39, "0" * 41, "A" * 40, f"{'0' * 40} ", f"{'0' * 40}\n", "../../x", "/dev/zero"]
OTHER_VALUES = [None, 1, 1.5, True, [], {}, ["0" * 40]]
HASHES = ["", "expected", "0" * 40, "0" * 63, "0" * 65, "A" * 64, f"{'0' * 64}\n", "../x"]
OTHER_CONTENTS = [
    b"null",
    b"[]",
    b"1",
    b'"record"',
    b"\xff\xfe{}",
    b"\0" * 300,
    b"{" * 100_000,
    b"[" * 100_000,
]


@pytest.mark.parametrize(
    "content",
    [
        *[WHOLE[:n] for n in range(len(WHOLE))],
        *OTHER_CONTENTS,
        *[changed(commit=commit) for commit in COMMITS + OTHER_VALUES],
        *[changed(sha256=value) for value in [*OTHER_VALUES, "", {"vocab.txt": "b" * 64}]],
        *[with_hash(digits) for digits in HASHES + OTHER_VALUES],
        b" " * (1 << 20) + WHOLE,
    ],
    ids=lambda content: f"{len(content)} bytes, {content[:12]!r}",
)
def test_a_record_that_is_cut_or_wrong_is_an_error_that_names_it(content: bytes) -> None:
    write_record("org/name@main", RECORD)
    path = record_path("org/name@main")
    path.write_bytes(content)

    with pytest.raises(CheckpointError) as error:
        read_record("org/name@main")

    assert str(error.value).startswith(
        f"{path}: the record of the first fetch of org/name@main cannot be used ("
    )
    assert "Restore it" in str(error.value)
    assert len(str(error.value)) < 1500
    assert path.read_bytes() == content


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.just(RECORD.commit),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["commit", "sha256", "config.json", "x"]) | st.text(), inner)
        ),
    )
)
def test_any_json_is_a_whole_record_or_an_error(values: object) -> None:
    write_record("fuzzed", RECORD)
    record_path("fuzzed").write_text(json.dumps(values))

    try:
        record = read_record("fuzzed")
    except CheckpointError as error:
        assert str(error).startswith(f"{record_path('fuzzed')}: ") and len(str(error)) < 1500
    else:
        assert record is not None and record._asdict() == values


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to nothing", "link to a device", "locked folder"])
def test_a_record_that_is_no_file_is_an_error_that_names_it(kind: str, assets: Path, tmp_path: Path) -> None:
    path = assets / "name.json"
    assets.mkdir()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "link to nothing":
        path.symlink_to("nothing")
    elif kind == "link to a device":
        path.symlink_to("/dev/zero")
    else:
        assets.rmdir()
        assets.symlink_to(assets.name)  # fails for root as well

    with pytest.raises(CheckpointError, match=r"name\.json: the record of the first fetch of name"):
        read_record("name")


def test_a_name_that_is_too_long_for_a_file_has_no_record() -> None:
    assert not write_record("a" * 300, RECORD)

    assert read_record("a" * 300) is None


def test_a_record_that_cannot_be_written_leaves_nothing(assets: Path) -> None:
    (assets / "name.json").mkdir(parents=True)

    assert not write_record("name", RECORD)

    assert [path.name for path in assets.iterdir()] == ["name.json"]
