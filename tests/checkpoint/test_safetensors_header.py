"""The header of a safetensors file, with the format's own library as the witness."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from support.mutations import NUMBERS, VALUES, change_json

from distilnp.checkpoint.safetensors_header import BITS, MAX_HEADER_BYTES, read_header

TENSORS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.zeros((0, 4), np.float16),
    "c": np.array(7, np.int64),
    "é": np.arange(3, dtype=np.int8),
}


def write(path: Path, header: Any, data: bytes = b"", length: int | None = None) -> Path:
    """Write a file; a header that is not bytes is written as JSON."""
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes((len(content) if length is None else length).to_bytes(8, "little") + content + data)
    return path


def told_by_the_witness(path: Path) -> dict[str, tuple[str, tuple[int, ...]]] | None:
    """Return the types and shapes that the format's own library finds, or None if it refuses the file."""
    try:
        with safe_open(path, framework="np", backend="pread") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
            return {name: (part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()}
    except SafetensorError:
        return None


def told_by_us(path: Path) -> dict[str, tuple[str, tuple[int, ...]]] | None:
    """Return the types and shapes of the header, or None if it is refused."""
    try:
        return {name: (entry.dtype, entry.shape) for name, entry in read_header(path).items()}
    except ValueError:
        return None


def test_each_tensor_is_where_the_header_says(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "x", metadata={"format": "np"})
    content = (tmp_path / "x").read_bytes()

    header = read_header(tmp_path / "x")

    assert set(header) == set(TENSORS)
    for name, entry in header.items():
        stored = np.frombuffer(content[entry.begin : entry.end], TENSORS[name].dtype)
        assert (stored.reshape(entry.shape) == TENSORS[name]).all()


@pytest.mark.parametrize("dtype", [*BITS, "F32 ", "f32", "C128", "I4", ""])
def test_every_type_has_the_size_that_the_witness_gives_it(tmp_path: Path, dtype: str) -> None:
    for n_bytes in range(1, 33):
        entry = {"dtype": dtype, "shape": [4], "data_offsets": [0, n_bytes]}
        path = write(tmp_path / "x", {"t": entry}, bytes(n_bytes))

        assert told_by_us(path) == told_by_the_witness(path)


def test_what_is_accepted_is_what_the_witness_reads(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "x")
    content = (tmp_path / "x").read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    draw = random.Random(0)
    accepted = 0

    for _ in range(800):
        header = json.loads(content[8:end])
        if draw.random() < 0.1:
            names = draw.sample(sorted(header), 2)
            header[names[0]], header[names[1]] = header[names[1]], header[names[0]]
        else:
            header = change_json(header, draw)
        data = content[end:] + bytes(draw.choice((0, 0, 0, 0, 1)))
        path = write(tmp_path / "mutated", json.dumps(header).encode(), data)
        if (ours := told_by_us(path)) is not None:
            accepted += 1
            assert ours == told_by_the_witness(path), header

    assert 20 < accepted < 400


@pytest.mark.parametrize(
    ("header", "length"),
    [
        (b"", None),
        (b"{", None),
        (b"[]", None),
        (b"{}x", None),
        (b"\xff\xfe{\0}\0", None),
        (b"\xef\xbb\xbf{}", None),
        (b'{"__metadata__": {"a": NaN}}', None),
        (b'{"a": ' * 100_000, None),
        (b'{"a": ' + b"9" * 10_000 + b"}", None),
        (b'{"\\ud800": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}', None),
        (b"{}", 3),
        (b"{}", 2**63),
        (b"{}", 2**64 - 1),
    ],
)
def test_a_header_that_is_no_object_of_json_is_refused(
    tmp_path: Path, header: bytes, length: int | None
) -> None:
    path = write(tmp_path / "x", header, length=length)

    assert told_by_the_witness(path) is None
    with pytest.raises(ValueError, match=r"."):
        read_header(path)


@pytest.mark.parametrize("key", ["dtype", "shape", "data_offsets"])
def test_a_value_of_another_kind_is_one_error(tmp_path: Path, key: str) -> None:
    for value in (*VALUES, [[]], [*NUMBERS], [-1], [True], [1.0], [0, 0, 0], ["0", "4"]):
        entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | {key: value}
        path = write(tmp_path / "x", {"t": entry}, bytes(8))

        with pytest.raises(ValueError, match=r"."):
            read_header(path)


def test_a_shape_of_a_million_dimensions_is_refused_at_once(tmp_path: Path) -> None:
    entry = {"dtype": "U8", "shape": [1] * 1_000_000, "data_offsets": [0, 1]}

    with pytest.raises(ValueError, match="its header has"):
        read_header(write(tmp_path / "x", {"t": entry}, bytes(1)))


def test_a_header_of_more_than_any_model_needs_is_not_read(tmp_path: Path) -> None:
    spaces = b"{}" + b" " * MAX_HEADER_BYTES

    assert told_by_the_witness(write(tmp_path / "x", spaces)) == {}
    with pytest.raises(ValueError, match=f"would have {len(spaces)} bytes, the most is {MAX_HEADER_BYTES}"):
        read_header(tmp_path / "x")


def test_the_largest_model_of_the_configuration_fits_the_header(tmp_path: Path) -> None:
    header, end = {}, 0
    for layer in range(1024):
        for i in range(22):
            name = f"distilbert.transformer.layer.{layer}.sa_layer_norm.weight_scale{i}"
            header[name] = {"dtype": "F32", "shape": [1024, 4096], "data_offsets": [end, end + 2**24]}
            end += 2**24
    path = write(tmp_path / "x", header)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size + end)  # a file with a hole, which takes no room

    assert len(read_header(path)) == 22 * 1024
