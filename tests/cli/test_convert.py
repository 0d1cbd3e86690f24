"""`distilnp convert`: every form that can be read becomes one safetensors file, complete or not at all."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from support.seeded_models import (
    CONFIGS,
    QUANTIZATION,
    int8_rows,
    seeded_tensors,
    write_bfloat16,
    write_checkpoint,
)
from support.torch_files import write_torch

import distilnp
from distilnp.checkpoint.int8 import QUANTIZATION_CONFIG
from distilnp.checkpoint.tensors import load_params
from distilnp.cli import main

CONFIG = CONFIGS["odd-sizes"]
TENSORS = seeded_tensors(CONFIG)
WEIGHT = "distilbert.transformer.layer.1.attention.k_lin.weight"
BUNDLED = Path(__file__).parents[2] / "weights" / "sst2-mini"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "source", CONFIG, TENSORS, custom="kept")


def convert(source: Path, destination: Path, dtype: str = "float32") -> Path:
    assert main(["convert", str(source), str(destination), "--dtype", dtype]) == 0
    return destination


def error_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["convert", *map(str, arguments)]) == 1
    return capsys.readouterr().err


@pytest.mark.parametrize("form", ["safetensors", "archive", "legacy", "bfloat16", "without prefix"])
def test_float32_has_the_logits_of_its_source(source: Path, tmp_path: Path, form: str) -> None:
    weights = source / "model.safetensors"
    if form == "bfloat16":
        write_bfloat16(weights, TENSORS)
    elif form == "without prefix":
        bare = {name.removeprefix("distilbert."): tensor for name, tensor in TENSORS.items()}
        write_checkpoint(source, CONFIG, bare)
    elif form != "safetensors":
        weights.unlink()
        write_torch(source / "pytorch_model.bin", TENSORS, legacy=form == "legacy")

    made = convert(source, tmp_path / "made")

    assert {file.name for file in made.iterdir()} == {"config.json", "model.safetensors", "vocab.txt"}
    assert load_file(made / "model.safetensors").keys() == TENSORS.keys()
    np.testing.assert_array_equal(distilnp.load(made)("w1 w2").logits, distilnp.load(source)("w1 w2").logits)


def test_the_files_have_the_permissions_of_any_new_file(source: Path, tmp_path: Path) -> None:
    made = convert(source, tmp_path / "made")

    plain = tmp_path / "plain"
    plain.touch()
    assert {file.stat().st_mode for file in made.iterdir()} == {plain.stat().st_mode}


def test_float16_rounds_each_number(source: Path, tmp_path: Path) -> None:
    made = convert(source, tmp_path / "made", "float16")

    stored = load_file(made / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {np.dtype(np.float16)}
    np.testing.assert_array_equal(stored[WEIGHT], TENSORS[WEIGHT].astype(np.float16))


def test_int8_is_within_half_a_step(source: Path, tmp_path: Path) -> None:
    with_zeros = TENSORS | {WEIGHT: TENSORS[WEIGHT] * (np.arange(35) % 3 > 0)[:, None]}
    write_checkpoint(source, CONFIG, with_zeros, custom="kept")

    made = convert(source, tmp_path / "made", "int8")

    values = json.loads((made / "config.json").read_text())
    assert values["quantization_config"] == QUANTIZATION_CONFIG
    assert values["custom"] == "kept"
    stored = load_file(made / "model.safetensors")
    assert stored[WEIGHT].dtype == np.int8
    assert stored["classifier.bias"].dtype == np.float32
    found = load_params(made, distilnp.load(made).config).layers[1].k_lin.weight
    half_a_step = np.abs(TENSORS[WEIGHT]).max(axis=1, keepdims=True) / 254 * (1 + 1e-5)
    assert (np.abs(found - with_zeros[WEIGHT]) <= half_a_step).all()
    assert not found[0].any()


def test_int8_becomes_float32_again_with_the_same_logits(tmp_path: Path) -> None:
    source = write_checkpoint(
        tmp_path / "source", CONFIG, int8_rows(TENSORS), quantization_config=QUANTIZATION
    )

    made = convert(source, tmp_path / "made")

    assert "quantization_config" not in json.loads((made / "config.json").read_text())
    np.testing.assert_array_equal(distilnp.load(made)("w1 w2").logits, distilnp.load(source)("w1 w2").logits)


def test_converting_the_bundled_checkpoint_to_float32_and_back_gives_the_same_files(tmp_path: Path) -> None:
    wide = convert(BUNDLED, tmp_path / "wide")

    made = convert(wide, tmp_path / "made", "int8")

    for file in ("model.safetensors", "config.json"):
        assert (made / file).read_bytes() == (BUNDLED / file).read_bytes()
    assert (made / "README.md").exists()


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
def test_a_temperature_is_kept(tmp_path: Path, dtype: str) -> None:
    source = write_checkpoint(tmp_path / "source", CONFIG, TENSORS, calibration_temperature=1.2345)

    made = convert(source, tmp_path / "made", dtype)

    assert distilnp.load(made, calibrated=True).temperature == 1.2345


def test_a_number_that_float16_cannot_hold_is_refused(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_checkpoint(source, CONFIG, TENSORS | {WEIGHT: TENSORS[WEIGHT] * 1e6})

    error = error_of(capsys, source, tmp_path / "made", "--dtype", "float16")

    assert f"{WEIGHT} has numbers beyond 65504" in error
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_folder_that_is_not_empty_is_left_alone(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in source.iterdir()}

    assert "expected a new or an empty folder" in error_of(capsys, source, source)

    assert {path: path.read_bytes() for path in source.iterdir()} == before


def test_an_empty_folder_is_filled(source: Path, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()

    assert (convert(source, tmp_path / "made") / "model.safetensors").exists()


def test_a_source_that_cannot_be_loaded_leaves_no_folder(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (source / "model.safetensors").open("r+b") as file:
        file.truncate(1000)

    assert "is not a whole safetensors file" in error_of(capsys, source, tmp_path / "made")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_source_without_a_tokenizer_leaves_no_folder(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "vocab.txt").unlink()

    assert "vocab.txt" in error_of(capsys, source, tmp_path / "made")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_folder_that_cannot_be_written_is_an_error(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")

    assert "cannot be written" in error_of(capsys, source, tmp_path / "file" / "made")
