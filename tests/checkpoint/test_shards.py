"""Shards of safetensors: read like one file, only from their own folder, with one error for each fault."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint

import distilnp
from distilnp import CheckpointError
from distilnp.checkpoint.safetensors_file import MAX_INDEX_BYTES
from distilnp.checkpoint.tensors import load_params
from distilnp.model.params import Params

CONFIG = CONFIGS["odd-sizes"]
TENSORS = seeded_tensors(CONFIG)
INDEX = "model.safetensors.index.json"
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
NAMES = list(TENSORS)
HALVES = (NAMES[::2], NAMES[1::2])
WEIGHT_MAP = {name: shard for shard, names in zip(SHARDS, HALVES, strict=True) for name in names}


def write_shards(folder: Path, **changes: object) -> Path:
    write_checkpoint(folder, CONFIG, {})
    (folder / "model.safetensors").unlink()
    for shard, names in zip(SHARDS, HALVES, strict=True):
        save_file({name: TENSORS[name] for name in names}, folder / shard)
    write_index(folder, WEIGHT_MAP)
    return folder


def write_index(folder: Path, weight_map: object) -> None:
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weight_map}))


def assert_whole(params: Params) -> None:
    for i, layer in enumerate(params.layers):
        name = f"distilbert.transformer.layer.{i}.ffn.lin2.weight"
        np.testing.assert_array_equal(layer.lin2.weight, TENSORS[name])
    np.testing.assert_array_equal(params.classifier.bias, TENSORS["classifier.bias"])


def test_shards_are_read_as_one_file(tmp_path: Path) -> None:
    whole = distilnp.load(write_checkpoint(tmp_path / "whole", CONFIG, TENSORS))

    sharded = distilnp.load(write_shards(tmp_path / "sharded"))

    np.testing.assert_array_equal(sharded("w1 w2").logits, whole("w1 w2").logits)


def test_a_shard_that_has_changed_is_read_again(tmp_path: Path) -> None:
    folder = write_shards(tmp_path)
    before = distilnp.load(folder)("w1 w2").logits
    shard = WEIGHT_MAP["classifier.bias"]
    tensors = {name: TENSORS[name] for name in HALVES[SHARDS.index(shard)]}

    save_file(tensors | {"classifier.bias": tensors["classifier.bias"] + 1}, folder / shard)

    np.testing.assert_allclose(distilnp.load(folder)("w1 w2").logits, before + 1, rtol=1e-5)


def test_one_whole_file_is_preferred_to_shards(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, CONFIG, TENSORS)
    (tmp_path / INDEX).write_text("never opened")

    assert_whole(load_params(tmp_path, CONFIG))


def test_shards_are_preferred_to_pytorch(tmp_path: Path) -> None:
    write_shards(tmp_path)
    (tmp_path / "pytorch_model.bin").write_text("never opened")

    assert_whole(load_params(tmp_path, CONFIG))


FIRST, SECOND = HALVES[0][0], HALVES[1][0]

INDEXES: dict[str, tuple[object, str]] = {
    "no names": ({}, "not an index of shards"),
    "a list": ([FIRST], "not an index of shards"),
    "a number for a shard": (WEIGHT_MAP | {FIRST: 1}, "not an index of shards"),
    "null": (None, "not an index of shards"),
    "an absolute path": (WEIGHT_MAP | {FIRST: "/etc/passwd.safetensors"}, "names the shard '/etc/passwd"),
    "the folder above": (WEIGHT_MAP | {FIRST: "../x.safetensors"}, r"names the shard '\.\./x"),
    "a folder below": (WEIGHT_MAP | {FIRST: "x/y.safetensors"}, "names the shard 'x/y"),
    "a drive": (WEIGHT_MAP | {FIRST: "C:x.safetensors"}, "names the shard 'C:x"),
    "backslashes": (WEIGHT_MAP | {FIRST: "..\\x.safetensors"}, "names the shard"),
    "a zero byte": (WEIGHT_MAP | {FIRST: "x\0.safetensors"}, "names the shard"),
    "another kind of file": (WEIGHT_MAP | {FIRST: "pytorch_model.bin"}, "names the shard 'pytorch_model"),
    "the folder itself": (WEIGHT_MAP | {FIRST: "."}, r"names the shard '\.'"),
    "half a surrogate pair": (WEIGHT_MAP | {FIRST: "\ud800.safetensors"}, r"names the shard ..ud800"),
    "a name without end": (WEIGHT_MAP | {FIRST: "x" * 5000 + ".safetensors"}, "File name too long"),
    "a shard that is missing": (
        WEIGHT_MAP | {FIRST: "gone.safetensors"},
        r"gone\.safetensors cannot be read",
    ),
    "a tensor in the other shard": (
        WEIGHT_MAP | {FIRST: SHARDS[1]},
        f"the index has '{FIRST}' in {SHARDS[1]}, and it is in {SHARDS[0]}",
    ),
    "a tensor that is in no shard": (
        WEIGHT_MAP | {"more": SHARDS[0]},
        f"the index has 'more' in {SHARDS[0]}, and it is not there",
    ),
    "a tensor that the index lacks": (
        {name: shard for name, shard in WEIGHT_MAP.items() if name != SECOND},
        f"'{SECOND}' is in {SHARDS[1]} and not in the index",
    ),
}


@pytest.mark.parametrize("name", INDEXES)
def test_an_index_that_does_not_fit_the_shards_is_one_clear_error(tmp_path: Path, name: str) -> None:
    weight_map, reason = INDEXES[name]
    write_shards(tmp_path)
    write_index(tmp_path, weight_map)

    with pytest.raises(CheckpointError, match=reason):
        distilnp.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"weight_map": 1}'])
def test_a_file_that_is_not_an_index_is_one_clear_error(tmp_path: Path, content: bytes) -> None:
    write_shards(tmp_path)
    (tmp_path / INDEX).write_bytes(content)

    with pytest.raises(CheckpointError, match="not an index of shards"):
        load_params(tmp_path, CONFIG)


def test_the_size_of_an_index_is_limited(tmp_path: Path) -> None:
    write_shards(tmp_path)
    (tmp_path / INDEX).write_bytes(b" " * (MAX_INDEX_BYTES + 1))

    with pytest.raises(CheckpointError, match="more than 4194304 bytes"):
        load_params(tmp_path, CONFIG)


def test_a_tensor_in_two_shards_is_refused(tmp_path: Path) -> None:
    write_shards(tmp_path)
    save_file({name: TENSORS[name] for name in (*HALVES[1], FIRST)}, tmp_path / SHARDS[1])

    with pytest.raises(CheckpointError, match=f"'{FIRST}' is in {SHARDS[0]} and in {SHARDS[1]}"):
        load_params(tmp_path, CONFIG)


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    write_shards(tmp_path)
    with (tmp_path / SHARDS[1]).open("r+b") as file:
        file.truncate(100)

    with pytest.raises(CheckpointError, match=f"{SHARDS[1]} is not a whole safetensors file"):
        load_params(tmp_path, CONFIG)


def in_cache(tmp_path: Path) -> Path:
    """Write files as they lie in the hub's cache: contents among the blobs, links in the snapshot."""
    folder = tmp_path / "models--org--name" / "snapshots" / "0123"
    blobs = tmp_path / "models--org--name" / "blobs"
    blobs.mkdir(parents=True)
    write_shards(folder)
    for i, path in enumerate(sorted(folder.iterdir())):
        path.rename(blobs / f"hash{i}")
        path.symlink_to(os.path.join("..", "..", "blobs", f"hash{i}"))  # noqa: PTH118 (stays relative)
    return folder


def test_a_shard_may_be_a_link_to_the_blobs_of_the_cache(tmp_path: Path) -> None:
    assert_whole(load_params(in_cache(tmp_path), CONFIG))


def moved_to(place: Callable[[Path], Path]) -> Callable[[Path], Path]:
    def move(tmp_path: Path) -> Path:
        folder = write_shards(tmp_path / "folder")
        target = place(tmp_path)
        target.parent.mkdir(exist_ok=True, parents=True)
        (folder / SHARDS[0]).rename(target)
        (folder / SHARDS[0]).symlink_to(target)
        return folder

    return move


def test_a_shard_may_be_a_link_within_the_folder(tmp_path: Path) -> None:
    folder = moved_to(lambda tmp_path: tmp_path / "folder" / "sub" / "shard")(tmp_path)

    assert_whole(load_params(folder, CONFIG))


@pytest.mark.parametrize("place", ["elsewhere/shard", "blobs/shard", "folder-more/shard"])
def test_a_shard_that_is_a_link_out_of_the_folder_is_refused(tmp_path: Path, place: str) -> None:
    folder = moved_to(lambda tmp_path: tmp_path / place)(tmp_path)

    with pytest.raises(CheckpointError, match=r"is a link to .*shard, expected a file in the same folder"):
        load_params(folder, CONFIG)


def test_a_shard_that_is_a_link_to_another_repository_is_refused(tmp_path: Path) -> None:
    folder = in_cache(tmp_path)
    other = tmp_path / "models--org--private" / "blobs" / "hash"
    other.parent.mkdir(parents=True)
    save_file({name: TENSORS[name] for name in HALVES[0]}, other)
    (folder / SHARDS[0]).unlink()
    (folder / SHARDS[0]).symlink_to(other)

    with pytest.raises(CheckpointError, match="is a link to"):
        load_params(folder, CONFIG)


def test_a_shard_that_is_a_link_to_itself_is_one_clear_error(tmp_path: Path) -> None:
    folder = write_shards(tmp_path)
    (folder / SHARDS[0]).unlink()
    (folder / SHARDS[0]).symlink_to(SHARDS[0])

    with pytest.raises(CheckpointError, match=f"{SHARDS[0]}.* cannot be (found|read)"):
        load_params(folder, CONFIG)
