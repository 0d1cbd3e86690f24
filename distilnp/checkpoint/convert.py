"""Weights in another type: any form that can be read becomes one file of float32, float16 or int8 rows."""

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
from .config_json import read_config, read_values
from .files import CONFIG, SAFETENSORS
from .int8 import QUANTIZATION_CONFIG, quantize
from .tensors import load_tensors


def convert_weights(source: Path, destination: Path, dtype: DType) -> None:
    """Write `config.json` and `model.safetensors` of a checkpoint, with its parameters in another type.

    Parameters
    ----------
    source : Path
        The folder of the checkpoint.
    destination : Path
        Another folder.
    dtype : {"float32", "float16", "int8"}
        The type; "int8" stores vectors as float32.

    Raises
    ------
    CheckpointError
        The source cannot be loaded.
    ArgumentError
        A number is too large for the type.
    OSError
        The destination cannot be written.
    """
    tensors = load_tensors(source, read_config(source), np.float16 if dtype == "float16" else np.float32)
    values = read_values(source)
    values.pop("quantization_config", None)
    if dtype == "float16":
        _check_finite(tensors)
    elif dtype == "int8":
        quantize(tensors)
        values["quantization_config"] = QUANTIZATION_CONFIG
    (destination / CONFIG).write_text(json.dumps(values, indent=2, sort_keys=True) + "\n")
    try:
        save_file(tensors, destination / SAFETENSORS, metadata={"format": "pt"})
    except SafetensorError as error:
        raise OSError(str(error)) from error
    # safetensors makes the file readable by its owner alone.
    shutil.copymode(destination / CONFIG, destination / SAFETENSORS)


def _check_finite(tensors: dict[str, NDArray[Any]]) -> None:
    too_large = [name for name, tensor in sorted(tensors.items()) if not np.isfinite(tensor).all()]
    if too_large:
        raise ArgumentError(
            f"{too_large[0]} has numbers beyond 65504, expected numbers that float16 can hold. Convert to "
            "float32 or int8"
        )
