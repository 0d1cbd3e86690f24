"""Weights: every stored type, every fault, and the memory that reading takes."""

import sys
from pathlib import Path

import numpy as np
import pytest
from support.children import MEMORY_TO_LOAD, run_python
from support.seeded_models import (
    CONFIGS,
    QUANTIZATION,
    int8_rows,
    seeded_tensors,
    write_bfloat16,
    write_checkpoint,
)

from distilnp import CheckpointError, TensorError
from distilnp.checkpoint.config_json import read_config
from distilnp.checkpoint.tensors import CHUNK_BYTES, load_params
from distilnp.model.config import DistilBertConfig
from distilnp.model.params import Params

CONFIG = CONFIGS["odd-sizes"]
TENSORS = seeded_tensors(CONFIG)
WEIGHT = "distilbert.transformer.layer.1.attention.k_lin.weight"


def load(folder: Path, tensors: dict[str, np.ndarray], **changes: object) -> Params:
    write_checkpoint(folder, CONFIG, tensors, **changes)
    return load_params(folder, read_config(folder))


def flat(params: Params) -> list[np.ndarray]:
    def walk(node: object) -> list[np.ndarray]:
        return [node] if isinstance(node, np.ndarray) else [x for part in node for x in walk(part)]

    return walk(params)


def test_float32_is_read_as_it_is_stored(tmp_path: Path) -> None:
    params = load(tmp_path, TENSORS)

    np.testing.assert_array_equal(params.layers[1].k_lin.weight, TENSORS[WEIGHT])
    np.testing.assert_array_equal(params.classifier.bias, TENSORS["classifier.bias"])
    assert {x.dtype for x in flat(params)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("stored", [np.float16, np.float64])
def test_other_floats_become_float32(tmp_path: Path, stored: type) -> None:
    params = load(tmp_path, {name: tensor.astype(stored) for name, tensor in TENSORS.items()})

    expected = TENSORS[WEIGHT].astype(stored).astype(np.float32)
    np.testing.assert_array_equal(params.layers[1].k_lin.weight, expected)
    assert {x.dtype for x in flat(params)} == {np.dtype(np.float32)}


def test_float64_is_kept_on_request(tmp_path: Path) -> None:
    write_checkpoint(
        tmp_path,
        CONFIG,
        {name: tensor / 3.0 for name, tensor in TENSORS.items()}
        | {WEIGHT: TENSORS[WEIGHT].astype(np.float64) / 3},
    )

    params = load_params(tmp_path, CONFIG, np.float64)

    np.testing.assert_array_equal(params.layers[1].k_lin.weight, TENSORS[WEIGHT].astype(np.float64) / 3)


def test_bfloat16_is_widened(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, CONFIG, TENSORS)
    write_bfloat16(tmp_path / "model.safetensors", TENSORS)

    params = load_params(tmp_path, CONFIG)

    expected = (TENSORS[WEIGHT].view(np.uint32) & 0xFFFF0000).view(np.float32)
    np.testing.assert_array_equal(params.layers[1].k_lin.weight, expected)


def test_int8_rows_are_multiplied_by_their_scales(tmp_path: Path) -> None:
    stored = int8_rows(TENSORS)

    params = load(tmp_path, stored, quantization_config=QUANTIZATION)

    expected = stored[WEIGHT].astype(np.float32) * stored[f"{WEIGHT}_scale"]
    np.testing.assert_array_equal(params.layers[1].k_lin.weight, expected)
    half_a_step = stored[f"{WEIGHT}_scale"] / 2 * (1 + 1e-6)
    assert (np.abs(params.layers[1].k_lin.weight - TENSORS[WEIGHT]) <= half_a_step).all()


def test_encoder_tensors_may_come_without_their_prefix(tmp_path: Path) -> None:
    bare = {name.removeprefix("distilbert."): tensor for name, tensor in TENSORS.items()}

    params = load(tmp_path, bare | {"embeddings.position_ids": np.arange(512)[None]})

    np.testing.assert_array_equal(params.layers[1].k_lin.weight, TENSORS[WEIGHT])


def test_all_faults_are_named_in_one_error(tmp_path: Path) -> None:
    broken = dict(TENSORS)
    del broken["pre_classifier.bias"]
    broken["vocab_projector.bias"] = np.zeros(3, np.float32)
    broken[WEIGHT] = broken[WEIGHT][:-1].copy()
    broken["classifier.bias"] = broken["classifier.bias"].astype(np.int32)
    broken["classifier.weight"] = np.full_like(broken["classifier.weight"], np.nan)
    broken["distilbert.embeddings.LayerNorm.bias"] = np.full_like(TENSORS["pre_classifier.bias"], np.inf)

    with pytest.raises(TensorError) as raised:
        load(tmp_path, broken)

    faults = [line for line in str(raised.value).splitlines() if line.startswith("  - ")]
    assert faults == [
        "  - distilbert.embeddings.LayerNorm.bias holds NaN, infinity or a number beyond float32",
        f"  - {WEIGHT} has shape (34, 35), expected (35, 35)",
        "  - pre_classifier.bias is missing",
        "  - classifier.weight holds NaN, infinity or a number beyond float32",
        "  - classifier.bias has type I32, expected F32 or F16 or BF16 or F64",
        "  - 'vocab_projector.bias' is not a tensor of this model",
    ]
    assert str(tmp_path / "model.safetensors") in str(raised.value)


def test_a_tensor_under_both_its_names_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        TensorError, match=r"k_lin\.weight is there again as transformer\.layer\.1.*, expected"
    ):
        load(tmp_path, TENSORS | {WEIGHT.removeprefix("distilbert."): TENSORS[WEIGHT]})


def test_the_faults_of_another_model_do_not_flood_the_screen(tmp_path: Path) -> None:
    with pytest.raises(TensorError, match="and 107 more") as raised:
        load(tmp_path, {f"bert.tensor.{i}": np.zeros(1, np.float32) for i in range(127 - len(TENSORS))})

    assert len(str(raised.value).splitlines()) < 30


def test_a_float64_beyond_float32_is_a_fault(tmp_path: Path) -> None:
    huge = TENSORS["pre_classifier.bias"].astype(np.float64) * 1e300

    with pytest.raises(TensorError, match=r"pre_classifier\.bias holds .* a number beyond float32"):
        load(tmp_path, TENSORS | {"pre_classifier.bias": huge})


def test_integers_without_a_quantization_config_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TensorError, match="has type I8"):
        load(tmp_path, int8_rows(TENSORS))


@pytest.mark.parametrize(
    ("scale", "fault"),
    [
        (None, "_scale is missing"),
        (np.ones((35,), np.float32), r"_scale has shape \(35,\), expected \(35, 1\)"),
        (np.ones((35, 1), np.float64), "_scale has type F64, expected F32"),
        (np.full((35, 1), np.nan, np.float32), "holds NaN or infinity"),
    ],
)
def test_scales_are_checked_too(tmp_path: Path, scale: np.ndarray | None, fault: str) -> None:
    stored = int8_rows(TENSORS)
    if scale is None:
        del stored[f"{WEIGHT}_scale"]
    else:
        stored[f"{WEIGHT}_scale"] = scale

    with pytest.raises(TensorError, match=fault):
        load(tmp_path, stored, quantization_config=QUANTIZATION)


def damaged(whole: bytes) -> dict[str, bytes]:
    return {
        "empty": b"",
        "cut": whole[:-1],
        "cut in the header": whole[:40],
        "longer": whole + b"\0",
        "a page of HTML": b"<!DOCTYPE html><html>rate limited</html>",
        "a header without end": (2**62).to_bytes(8, "little") + whole[8:],
        "a pointer of git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
    }


@pytest.mark.parametrize("kind", damaged(b""))
def test_a_damaged_file_is_one_clear_error(tmp_path: Path, kind: str) -> None:
    write_checkpoint(tmp_path, CONFIG, TENSORS)
    path = tmp_path / "model.safetensors"
    path.write_bytes(damaged(path.read_bytes())[kind])

    with pytest.raises(CheckpointError, match=r"not a whole safetensors file.*fetch it again"):
        load_params(tmp_path, CONFIG)


def test_the_error_for_missing_weights_names_other_weights_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "flax_model.msgpack").touch()

    with pytest.raises(
        CheckpointError, match=r"expected model\.safetensors or .*The folder has flax_model\.msgpack"
    ):
        load_params(tmp_path, CONFIG)


def test_a_folder_in_place_of_the_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").mkdir()

    with pytest.raises(CheckpointError, match="cannot be read"):
        load_params(tmp_path, CONFIG)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the peak memory of a process")
def test_reading_takes_no_second_copy_of_the_file(tmp_path: Path) -> None:
    config = DistilBertConfig(n_layers=1, vocab_size=40_000, dim=512, n_heads=8, hidden_dim=512)
    write_checkpoint(tmp_path, config, seeded_tensors(config))
    size = (tmp_path / "model.safetensors").stat().st_size

    run = run_python(MEMORY_TO_LOAD, tmp_path)

    assert run.stderr == ""
    # The tensors, and a few chunks: rows as they are stored, and the mask of the check for NaN.
    assert size < int(run.stdout) < size + 4 * CHUNK_BYTES


@pytest.mark.parametrize("n_labels", [1, 6, 8])
def test_another_number_of_labels_is_said(tmp_path: Path, n_labels: int) -> None:
    write_checkpoint(tmp_path, CONFIG, TENSORS, id2label=None)

    with pytest.raises(TensorError, match=f"The head has 7 labels, and {n_labels} are given"):
        load_params(tmp_path, read_config(tmp_path, labels=["x"] * n_labels))

    assert load_params(tmp_path, read_config(tmp_path, labels=["x"] * 7)).classifier.weight.shape == (7, 35)
