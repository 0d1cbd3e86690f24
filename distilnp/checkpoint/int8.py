"""Matrices as int8 rows with scales: recognised, read, quantized and written.

The form is compressed-tensors' "int-quantized", which transformers reads. Each row of a matrix (the weights
of one output of a dense layer, or the vector of one token) is stored as integers q from -127 to 127 with one
scale, so that real = scale * q. The scales of a matrix are a tensor of their own, under the matrix's name
with "_scale" appended. Vectors stay float32.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError
from ..foreign import shown
from ..model.int8 import quantize_matrix
from .stored import Fault, StoredTensor, read_rows

METHOD = "compressed-tensors"
FORMAT = "int-quantized"

# The scheme of the weights: one scale for each row, and zero is stored as 0.
SCHEME = {"num_bits": 8, "type": "int", "strategy": "channel", "symmetric": True}

# The value of `quantization_config` in the config.json of a checkpoint in this form.
QUANTIZATION_CONFIG = {
    "quant_method": METHOD,
    "format": FORMAT,
    "quantization_status": "compressed",
    "config_groups": {
        "group_0": {
            "targets": ["Linear", "Embedding"],
            "format": FORMAT,
            "weights": {**SCHEME, "dynamic": False},
            "input_activations": None,
            "output_activations": None,
        }
    },
    "ignore": [],
}


def is_int8(quantization_config: Any) -> bool:
    """Return whether `quantization_config` states this form; a checkpoint without the key is not quantized.

    Raises
    ------
    ConfigError
        The key states another form.
    """
    if quantization_config is None:
        return False
    try:
        groups = quantization_config["config_groups"].values()
        schemes = [group["weights"] for group in groups]
        is_this_form = (
            quantization_config["quant_method"] == METHOD
            and quantization_config["format"] == FORMAT
            and bool(schemes)
            and all(scheme.get(key) == value for scheme in schemes for key, value in SCHEME.items())
            and all(group.get("format") in (None, FORMAT) for group in groups)
            and not any(group.get("input_activations") for group in groups)
        )
    except (TypeError, KeyError, AttributeError):
        is_this_form = False
    if not is_this_form:
        raise ConfigError(
            f"quantization_config is {shown(quantization_config)}, expected {METHOD} with format {FORMAT!r} "
            "and weights of 8 bits, type 'int', strategy 'channel', symmetric. Other quantized checkpoints "
            "have to be dequantized first"
        )
    return True


def scale_name(name: str) -> str:
    """Return the name of the tensor that holds the scales of a matrix."""
    return f"{name}_scale"


def read_scale(tensors: dict[str, StoredTensor], name: str) -> NDArray[np.float32]:
    """Read the scales [rows, 1] of the matrix called `name`.

    Raises
    ------
    Fault
        They are missing, cannot be read, or are not finite float32 numbers, one for each row.
    """
    n_rows, name = tensors[name].shape[0], scale_name(name)
    if name not in tensors:
        raise Fault(f"{name} is missing")
    tensor = tensors[name]
    if tensor.shape != (n_rows, 1):
        raise Fault(f"{name} has shape {shown(tensor.shape)}, expected {(n_rows, 1)}")
    if tensor.dtype != "F32":
        raise Fault(f"{name} has type {tensor.dtype}, expected F32")
    rows = read_rows(tensor, name, 0, n_rows)
    if not rows.are_finite():
        raise Fault(f"{name} holds NaN or infinity")
    return rows.floats()


def quantize(tensors: dict[str, NDArray[Any]]) -> None:
    """Replace every matrix by its int8 rows, and add their scales."""
    for name in [name for name, tensor in tensors.items() if tensor.ndim == 2]:
        matrix = quantize_matrix(tensors[name])
        tensors[name], tensors[scale_name(name)] = matrix.integers, matrix.scale[:, None]
