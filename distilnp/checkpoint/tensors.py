"""`model.safetensors` into `Params`: one tensor at a time, and every fault of the file named in one error.

The file is read, not mapped: a mapping would keep all of its pages in memory beside the tensors. Every stored
type becomes the type that the caller asks for; int8 rows are multiplied by their scales.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from safetensors import SafetensorError, safe_open

from ..errors import CheckpointError, TensorError
from .config import DistilBertConfig
from .params import ENCODER_PREFIX, Array, Params, build_params

FLOATS = ("F32", "F16", "BF16", "F64")

# A buffer that old versions of transformers wrote beside the parameters; it only counts from 0.
POSITION_IDS = "embeddings.position_ids"

# A file of another model has hundreds of faults; the first ones tell the story.
MAX_FAULTS_SHOWN = 20


class _Fault(Exception):
    """One thing wrong with one tensor."""


def load_params(folder: Path, config: DistilBertConfig, dtype: DTypeLike = np.float32) -> Params:
    """Read the parameters of a classifier.

    Parameters
    ----------
    folder : Path
        Holds `model.safetensors`.
    config : DistilBertConfig
        Says which tensors there are, and their shapes.
    dtype : dtype, optional
        float32, or float64 for the reference pass as an oracle.

    Raises
    ------
    CheckpointError
        The file is not there or is not a safetensors file.
    TensorError
        Tensors are missing, left over, of the wrong shape or type, or hold NaN or infinity. All are named.
    """
    path = folder / "model.safetensors"
    faults: list[str] = []
    with open_weights(path) as file:
        unread = set(file.keys()) - {POSITION_IDS, ENCODER_PREFIX + POSITION_IDS}

        def tensor(name: str, shape: tuple[int, ...]) -> Array:
            stored = _stored_name(name, unread)
            unread.difference_update({stored, f"{stored}_scale"} if config.is_quantized else {stored})
            try:
                array = _read(path, file, stored, shape, config.is_quantized)
                # A finite float64 can be beyond float32: checked below, so NumPy need not warn of it.
                with np.errstate(over="ignore"):
                    array = array.astype(dtype, copy=False)
                if not np.isfinite(array).all():
                    raise _Fault(f"{stored} holds NaN or infinity")
            except _Fault as fault:
                faults.append(str(fault))
                return np.empty(0, np.float32)
            return array

        params = build_params(config, tensor)
    faults += [f"{name} is not a tensor of this model" for name in sorted(unread)]
    if faults:
        lines = [f"  - {fault}" for fault in faults[:MAX_FAULTS_SHOWN]]
        if len(faults) > MAX_FAULTS_SHOWN:
            lines.append(f"  - and {len(faults) - MAX_FAULTS_SHOWN} more")
        raise TensorError(
            f"{path} does not hold the model that config.json describes:\n" + "\n".join(lines) + "\n"
            "Names or shapes of another model: take config.json and model.safetensors from one revision of "
            "one checkpoint. Anything else: the file is damaged, fetch it again"
        )
    return params


@contextmanager
def open_weights(path: Path) -> Iterator[Any]:
    """Open a safetensors file to read single tensors, or only their types and shapes.

    Raises
    ------
    CheckpointError
        The file is not there, or is not a whole safetensors file.
    """
    try:
        with safe_open(path, framework="np", backend="pread") as file:
            yield file
    except OSError as error:
        others = [p.name for p in path.parent.glob("*") if p.suffix in {".bin", ".safetensors", ".h5"}]
        beside = f" The folder has {', '.join(sorted(others))}, not read by distilnp." if others else ""
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror or error}), expected the weights as one safetensors "
            f"file.{beside} save_pretrained of transformers writes it"
        ) from error
    except SafetensorError as error:
        raise CheckpointError(
            f"{path} is not a whole safetensors file ({error}). It is damaged or was not fetched to its end: "
            "fetch it again"
        ) from error


def _stored_name(name: str, names: set[str]) -> str:
    """Return how the file spells `name`: encoder tensors come with and without their prefix."""
    without_prefix = name.removeprefix(ENCODER_PREFIX)
    return name if name in names or without_prefix not in names else without_prefix


def _read(path: Path, file: Any, name: str, shape: tuple[int, ...], is_quantized: bool) -> Array:
    """Return one tensor as floats, in the stored precision."""
    if name not in file.keys():  # noqa: SIM118 (not a dict)
        raise _Fault(f"{name} is missing")
    described = file.get_slice(name)
    found, kind = tuple(described.get_shape()), described.get_dtype()
    if found != shape:
        raise _Fault(f"{name} has shape {found}, expected {shape}")
    if is_quantized and kind == "I8" and len(shape) == 2:
        scale = _read(path, file, f"{name}_scale", (shape[0], 1), is_quantized=False)
        if scale.dtype != np.float32:
            raise _Fault(f"{name}_scale has type {scale.dtype}, expected F32")
        return np.multiply(file.get_tensor(name), scale, dtype=np.float32)
    if kind not in FLOATS:
        raise _Fault(f"{name} has type {kind}, expected {' or '.join(FLOATS)}")
    array: Array = _read_bfloat16(path, name, shape) if kind == "BF16" else file.get_tensor(name)
    return array


def _read_bfloat16(path: Path, name: str, shape: tuple[int, ...]) -> Array:
    """Widen a bfloat16 tensor, for which NumPy has no type: it is the upper half of a float32.

    The offsets are in the file's header, `safe_open` has checked them:
    https://github.com/huggingface/safetensors#format
    """
    with path.open("rb") as file:
        header_size = int.from_bytes(file.read(8), "little")
        begin, _ = json.loads(file.read(header_size))[name]["data_offsets"]
    upper = np.fromfile(path, "<u2", count=int(np.prod(shape)), offset=8 + header_size + begin)
    widened: Array = (upper.astype(np.uint32) << 16).view(np.float32).reshape(shape)
    return widened
