"""Weights in another type: one safetensors file of float32, float16 or int8 rows, whatever they were before.

int8 rows are compressed-tensors' "int-quantized" form, which transformers reads: a row (an output of a dense
layer, a token's vector) is integers from -127 to 127 and the scale that brings its largest element back, real
= scale * q. Vectors stay float32.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save_file

from ..choices import DType
from ..errors import ArgumentError
from ..model.config import DistilBertConfig
from .tensors import WEIGHTS_FILE, load_tensors

QUANTIZATION_CONFIG = {
    "quant_method": "compressed-tensors",
    "format": "int-quantized",
    "quantization_status": "compressed",
    "config_groups": {
        "group_0": {
            "targets": ["Linear", "Embedding"],
            "format": "int-quantized",
            "weights": {
                "num_bits": 8,
                "type": "int",
                "strategy": "channel",
                "symmetric": True,
                "dynamic": False,
            },
            "input_activations": None,
            "output_activations": None,
        }
    },
    "ignore": [],
}


def convert_weights(source: Path, destination: Path, dtype: DType) -> None:
    """Write `config.json` and `model.safetensors` of a checkpoint, with its parameters in another type.

    Parameters
    ----------
    source : Path
        The folder of the checkpoint.
    destination : Path
        Another folder.
    dtype : {"float32", "float16", "int8"}

    Raises
    ------
    CheckpointError
        The source cannot be loaded.
    ArgumentError
        Its numbers are too large for the type.
    OSError
        The destination cannot be written.
    """
    config = DistilBertConfig.from_folder(source)
    tensors = load_tensors(source, config, np.float16 if dtype == "float16" else np.float32)
    if dtype == "float16":
        _check_finite(tensors)
    elif dtype == "int8":
        for name in [name for name, tensor in tensors.items() if tensor.ndim == 2]:
            tensors[name], tensors[f"{name}_scale"] = int8_rows(tensors[name])
    values = json.loads((source / "config.json").read_bytes())
    values.pop("quantization_config", None)
    if dtype == "int8":
        values["quantization_config"] = QUANTIZATION_CONFIG
    (destination / "config.json").write_text(json.dumps(values, indent=2, sort_keys=True) + "\n")
    try:
        save_file(tensors, destination / WEIGHTS_FILE, metadata={"format": "pt"})
    except SafetensorError as error:
        raise OSError(str(error)) from error
    # safetensors leaves a file that its owner alone may read.
    shutil.copymode(destination / "config.json", destination / WEIGHTS_FILE)


def int8_rows(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return integers [rows, columns] and scales [rows, 1]; a row of zeros gets the scale 1."""
    scale = (np.abs(matrix).max(axis=1, keepdims=True) / 127).astype(np.float32)
    scale[scale == 0] = 1  # also of a row whose scale is less than float32 can hold
    return np.rint(matrix / scale).clip(-127, 127).astype(np.int8), scale


def _check_finite(tensors: dict[str, NDArray[Any]]) -> None:
    too_large = [name for name, tensor in sorted(tensors.items()) if not np.isfinite(tensor).all()]
    if too_large:
        raise ArgumentError(
            f"{too_large[0]} has numbers beyond 65504, the largest of float16: convert to float32 or int8"
        )
