"""Matrices as int8 rows: the numbers that quantizing gives, and the agreement of weights and config.json."""

from pathlib import Path

import numpy as np
import pytest
from support.seeded_models import CONFIGS, QUANTIZATION, int8_rows, seeded_tensors, write_checkpoint

import distilnp
from distilnp import TensorError
from distilnp.checkpoint import int8
from distilnp.model.int8 import quantize_matrix

CONFIG = CONFIGS["odd-sizes"]
TENSORS = seeded_tensors(CONFIG)
WEIGHT = "distilbert.transformer.layer.1.attention.k_lin.weight"


def test_the_largest_element_of_a_row_becomes_127_and_every_other_is_within_half_a_step() -> None:
    matrix = TENSORS[WEIGHT]

    integers, scale = quantize_matrix(matrix)

    assert (integers.dtype, scale.dtype, scale.shape) == (np.int8, np.float32, (35,))
    np.testing.assert_array_equal(np.abs(integers).max(axis=1), 127)
    assert (np.abs(integers * scale[:, None] - matrix) <= scale[:, None] / 2 * (1 + 1e-6)).all()


@pytest.mark.parametrize("value", [0.0, 1e-45])
def test_a_row_without_a_scale_in_float32_becomes_zeros(value: float) -> None:
    integers, scale = quantize_matrix(np.full((1, 3), value, np.float32))

    np.testing.assert_array_equal(integers, 0)
    np.testing.assert_array_equal(scale, 1)


def test_a_config_json_that_convert_writes_is_recognised() -> None:
    assert int8.is_int8(int8.QUANTIZATION_CONFIG)


def test_a_product_beyond_float32_is_a_fault(tmp_path: Path) -> None:
    stored = int8_rows(TENSORS)
    stored[f"{WEIGHT}_scale"] = np.full((35, 1), 1e38, np.float32)
    write_checkpoint(tmp_path, CONFIG, stored, quantization_config=QUANTIZATION)

    with pytest.raises(TensorError, match=r"k_lin\.weight holds NaN, infinity or a number beyond float32"):
        distilnp.load(tmp_path)


def test_weights_in_use_are_not_shared_with_a_config_json_that_does_not_say_int8(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, CONFIG, int8_rows(TENSORS), quantization_config=QUANTIZATION)
    in_use = distilnp.load(tmp_path)
    config_json = tmp_path / "config.json"
    config_json.write_text(config_json.read_text().replace("quantization_config", "other"))

    with pytest.raises(TensorError, match="has type I8"):
        distilnp.load(tmp_path)
    assert in_use("w1").label in CONFIG.id2label
