"""Folders that transformers loads: tensors that no part of the forward pass reads, and old names."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file
from support.seeded_models import CONFIGS, QUANTIZATION, int8_rows, seeded_tensors, write_checkpoint
from support.torch_files import write_torch

import distilnp
from distilnp import TensorError
from distilnp.checkpoint.pytorch import PytorchFile
from distilnp.checkpoint.tensors import ignored_tensors, load_params
from distilnp.cli import main

GOLDENS = Path(__file__).parents[1] / "goldens" / "pytorch"
CONFIG = CONFIGS["odd-sizes"]
TENSORS = seeded_tensors(CONFIG)
LAYER_NORMS = [name for name in TENSORS if re.search(r"layer_?norm\.(weight|bias)$", name, re.IGNORECASE)]

# Every addition has another cause.
ADDITIONS: dict[str, np.ndarray] = {
    "loss_fct.weight": np.ones(CONFIG.n_labels, np.float32),
    "distilbert.embeddings.position_ids": np.arange(512)[None],
    "embeddings.position_ids": np.arange(512)[None],
    "qa_outputs.weight": np.ones((2, CONFIG.dim), np.float32),
    "distilbert.transformer.layer.3.ffn.lin1.weight": np.ones((CONFIG.hidden_dim, CONFIG.dim), np.float32),
    "distilbert.transformer.layer.0.ffn.lin1.weight_scale": np.ones((2, 2), np.float16),
    "temperature": np.array(1.5),
    "pooler.empty": np.zeros((0, 3), np.float32),
    "pooler.cube": np.full((2, 3, 4), np.nan, np.float16),
    "\x1b[31m\n": np.zeros(1, np.float32),
    "": np.zeros(1, np.float32),
}


def safetensors(folder: Path, tensors: dict[str, np.ndarray]) -> None:
    save_file(tensors, folder / "model.safetensors")


def shards(folder: Path, tensors: dict[str, np.ndarray]) -> None:
    weight_map = {}
    for i in range(2):
        part = dict(list(tensors.items())[i::2])
        save_file(part, folder / f"model-{i}.safetensors")
        weight_map |= dict.fromkeys(part, f"model-{i}.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def archive(folder: Path, tensors: dict[str, np.ndarray]) -> None:
    write_torch(folder / "pytorch_model.bin", tensors)


def legacy(folder: Path, tensors: dict[str, np.ndarray]) -> None:
    write_torch(folder / "pytorch_model.bin", tensors, legacy=True)


FORMS = pytest.mark.parametrize("write", [safetensors, shards, archive, legacy])


def folder_with(
    folder: Path,
    tensors: dict[str, np.ndarray],
    write: Callable[[Path, dict[str, np.ndarray]], None] = safetensors,
    **changes: object,
) -> Path:
    write_checkpoint(folder, CONFIG, {}, **changes)
    (folder / "model.safetensors").unlink()
    write(folder, tensors)
    return folder


def logits(folder: Path) -> bytes:
    return distilnp.load(folder)("w1 w2 w3").logits.tobytes()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return logits(write_checkpoint(tmp_path_factory.mktemp("plain"), CONFIG, TENSORS))


@FORMS
def test_tensors_that_the_forward_pass_does_not_read_are_listed_and_ignored(
    tmp_path: Path, expected: bytes, write: Callable[[Path, dict[str, np.ndarray]], None]
) -> None:
    folder = folder_with(tmp_path, TENSORS | ADDITIONS, write)

    assert logits(folder) == expected
    assert ignored_tensors(folder, CONFIG) == sorted(ADDITIONS)


def test_info_lists_additions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(folder_with(tmp_path, TENSORS | ADDITIONS))

    assert main(["info", folder, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["ignored_tensors"] == sorted(ADDITIONS)
    assert main(["info", folder]) == 0
    assert ", ".join(map(repr, sorted(ADDITIONS)[:5])) in (table := capsys.readouterr().out)
    assert f"and {len(ADDITIONS) - 5} more" in table
    assert "\x1b" not in table


@given(st.dictionaries(st.text(max_size=12), st.lists(st.integers(0, 3), max_size=4), max_size=5))
def test_an_addition_may_have_any_name_and_shape(
    tmp_path_factory: pytest.TempPathFactory, expected: bytes, shapes: dict[str, list[int]]
) -> None:
    added = {name: np.zeros(shape, np.float16) for name, shape in shapes.items()}

    folder = folder_with(tmp_path_factory.mktemp("added"), TENSORS | added)

    assert logits(folder) == expected
    assert ignored_tensors(folder, CONFIG) == sorted(added)


def test_an_addition_may_have_any_type_of_safetensors(tmp_path: Path, expected: bytes) -> None:
    """The writer of safetensors for NumPy lacks some types, so the header is written by hand."""
    folder = folder_with(tmp_path, TENSORS)
    whole = (folder / "model.safetensors").read_bytes()
    size = int.from_bytes(whole[:8], "little")
    header, content = json.loads(whole[8 : 8 + size]), whole[8 + size :]
    bits = {"BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "I16": 16, "U16": 16, "F16": 16}
    bits |= {"BF16": 16, "I32": 32, "U32": 32, "F32": 32, "F64": 64, "I64": 64, "U64": 64}
    for dtype, n_bits in bits.items():
        end = len(content) + 3 * n_bits // 8
        header[f"added.{dtype}"] = {"dtype": dtype, "shape": [3], "data_offsets": [len(content), end]}
        content += bytes(end - len(content))
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + content)

    assert logits(folder) == expected
    assert ignored_tensors(folder, CONFIG) == sorted(f"added.{dtype}" for dtype in bits)


@pytest.mark.parametrize("name", ["additions", "additions-legacy", "additions-protocol4"])
def test_an_addition_may_have_any_type_of_torch(name: str) -> None:
    """torch wrote these files, with tensors of its newer types, and values that are no tensors."""
    tensors = PytorchFile(GOLDENS / f"{name}.bin").tensors()

    assert tensors.keys() == {"weight", "uint16", "uint64", "float8", "complex", "bool", "scalar", "empty"}
    assert tensors["weight"].rows(0, 2).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_int8_rows_may_have_additions_of_their_own(tmp_path: Path) -> None:
    stored = int8_rows(TENSORS)
    plain = folder_with(tmp_path / "plain", stored, quantization_config=QUANTIZATION)
    added = {"distilbert.transformer.layer.0.ffn.lin1.weight_shape": np.array([53, 35])} | {
        name: tensor for name, tensor in ADDITIONS.items() if not name.endswith("_scale")
    }

    folder = folder_with(tmp_path / "added", stored | added, quantization_config=QUANTIZATION)

    assert logits(folder) == logits(plain)
    assert ignored_tensors(folder, CONFIG) == sorted(added)


@FORMS
@pytest.mark.parametrize("name", ["classifier.weight", "distilbert.transformer.layer.2.ffn.lin1.bias"])
@pytest.mark.parametrize("fault", ["is missing", "has shape"])
def test_a_tensor_of_the_model_is_still_checked_beside_additions(
    tmp_path: Path, name: str, fault: str, write: Callable[[Path, dict[str, np.ndarray]], None]
) -> None:
    tensors = TENSORS | ADDITIONS
    if fault == "is missing":
        del tensors[name]
    else:
        tensors[name] = tensors[name][:-1].copy()

    with pytest.raises(TensorError, match=f"{re.escape(name)} {fault}"):
        load_params(folder_with(tmp_path, tensors, write), CONFIG)


def test_an_error_in_the_numbers_alone_does_not_list_additions(tmp_path: Path) -> None:
    broken = np.full_like(TENSORS["classifier.bias"], np.nan)

    with pytest.raises(TensorError, match=r"classifier\.bias holds NaN") as raised:
        load_params(folder_with(tmp_path, TENSORS | ADDITIONS | {"classifier.bias": broken}), CONFIG)

    assert "is not a tensor of this model" not in str(raised.value)


@FORMS
@pytest.mark.parametrize("has_prefix", [False, True])
def test_a_layer_norm_may_have_the_names_of_tensorflow(
    tmp_path: Path, expected: bytes, write: Callable[[Path, dict[str, np.ndarray]], None], has_prefix: bool
) -> None:
    old = {"weight": "gamma", "bias": "beta"}
    tensors = {}
    for name, tensor in TENSORS.items():
        module, _, kind = name.rpartition(".")
        module = module if has_prefix else module.removeprefix("distilbert.")
        tensors[f"{module}.{old[kind] if name in LAYER_NORMS else kind}"] = tensor
    assert len(LAYER_NORMS) == 2 * (1 + 2 * CONFIG.n_layers)

    folder = folder_with(tmp_path, tensors, write)

    assert logits(folder) == expected
    assert ignored_tensors(folder, CONFIG) == []


@pytest.mark.parametrize("name", ["distilbert.embeddings.LayerNorm.gamma", "embeddings.LayerNorm.weight"])
def test_a_tensor_under_two_names_is_refused(tmp_path: Path, name: str) -> None:
    first = "distilbert.embeddings.LayerNorm.weight"

    with pytest.raises(TensorError, match=f"{first} is there again as {name}, expected one of them"):
        load_params(folder_with(tmp_path, TENSORS | {name: TENSORS[first]}), CONFIG)
