"""`model.safetensors` into memory: some rows at a time, and every fault of the file named in one error.

The file is read, not mapped: a mapping would keep all of its pages in memory beside the tensors. Where rows
go is the caller's business: `load_params` gathers plain arrays for the reference pass, the engine packs them.
"""

import json
import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from safetensors import SafetensorError, safe_open

from ..errors import CheckpointError, TensorError
from .config import DistilBertConfig
from .params import ENCODER_PREFIX, Array, Params, build_params

WEIGHTS_FILE = "model.safetensors"
FLOATS = ("F32", "F16", "BF16", "F64")

# How NumPy reads what is stored; it has no bfloat16, which is the upper half of a float32.
STORED = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "F64": "<f8", "I8": "i1"}

# A buffer that old versions of transformers wrote beside the parameters; it only counts from 0.
POSITION_IDS = "embeddings.position_ids"

# Read at a time by one thread: much less than a model, much more than a call costs.
CHUNK_BYTES = 4 << 20
# Threads that read: NumPy does most of it without the GIL. Two took 0.7 of the time of one, and four no less.
READERS = 2

# Receives name, shape, first row and rows: see `read_tensors`.
Store = Callable[[str, tuple[int, ...], int, Array], None]

# A file of another model has hundreds of faults; the first ones tell the story.
MAX_FAULTS_SHOWN = 20


class _Fault(Exception):
    """One thing wrong with one tensor."""


def load_params(folder: Path, config: DistilBertConfig, dtype: DTypeLike = np.float32) -> Params:
    """Read the parameters of a classifier as plain arrays.

    Parameters
    ----------
    folder, config
        See `read_tensors`.
    dtype : dtype, optional
        float32, or float64 for the reference pass as an oracle.

    Raises
    ------
    CheckpointError, TensorError
        See `read_tensors`.
    """
    tensors: dict[str, Array] = {}

    def store(name: str, shape: tuple[int, ...], first_row: int, rows: Array) -> None:
        tensor = tensors.setdefault(name, np.empty(shape, dtype))
        tensor[first_row : first_row + len(rows)] = rows

    read_tensors(folder, config, store)
    return build_params(config, lambda name, shape: tensors[name])


def read_tensors(folder: Path, config: DistilBertConfig, store: Store) -> None:
    """Read every parameter of a classifier, a few rows at a time.

    Parameters
    ----------
    folder : Path
        Holds `model.safetensors`.
    config : DistilBertConfig
        Says which tensors there are, and their shapes.
    store : callable
        Is given the name and the shape of a tensor, the number of the first row, and the rows: float64 if
        they are stored so, else float32. There are as many as fit `CHUNK_BYTES`, in whole sixteens but for
        the last. Several threads call it, in any order.

    Raises
    ------
    CheckpointError
        The file is not there or is not a safetensors file.
    TensorError
        Tensors are missing, left over, of the wrong shape or type, or hold NaN or infinity, also as float32.
        All are named. Some may have been stored before.
    """
    path = folder / WEIGHTS_FILE
    faults: dict[str, str | None] = {}
    jobs: dict[str, list[Future[None]]] = {}
    with open_weights(path) as file, ThreadPoolExecutor(READERS) as readers:
        begins = _begins(path)
        unread = set(file.keys()) - {POSITION_IDS, ENCODER_PREFIX + POSITION_IDS}

        def tensor(name: str, shape: tuple[int, ...]) -> Array:
            stored = _stored_name(name, unread)
            unread.difference_update({stored, f"{stored}_scale"} if config.is_quantized else {stored})
            faults[name] = None
            try:
                read = _reader(path, begins, file, stored, shape, config.is_quantized)
            except _Fault as fault:
                faults[name] = str(fault)
            else:
                jobs[name] = [
                    readers.submit(lambda chunk: store(name, shape, chunk[0], read(*chunk)), chunk)
                    for chunk in _chunks(shape)
                ]
            return np.empty(0, np.float32)

        build_params(config, tensor)
        for name, chunks in jobs.items():
            for chunk in chunks:
                try:
                    chunk.result()
                except _Fault as fault:
                    faults[name] = str(fault)
    told = [fault for fault in faults.values() if fault]
    told += [f"{name} is not a tensor of this model" for name in sorted(unread)]
    if told:
        lines = [f"  - {fault}" for fault in told[:MAX_FAULTS_SHOWN]]
        if len(told) > MAX_FAULTS_SHOWN:
            lines.append(f"  - and {len(told) - MAX_FAULTS_SHOWN} more")
        raise TensorError(
            f"{path} does not hold the model that config.json describes:\n" + "\n".join(lines) + "\n"
            "Names or shapes of another model: take config.json and model.safetensors from one revision of "
            "one checkpoint. Anything else: the file is damaged, fetch it again"
        )


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


def _chunks(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield the first row of each chunk of a tensor, and of the next one."""
    step = max(16, CHUNK_BYTES // (4 * math.prod(shape[1:])) // 16 * 16)
    for first in range(0, shape[0], step):
        yield first, min(first + step, shape[0])


def _reader(
    path: Path, begins: dict[str, int], file: Any, name: str, shape: tuple[int, ...], is_quantized: bool
) -> Callable[[int, int], Array]:
    """Return what reads some rows of a tensor and widens them to float32 where they are stored in less."""
    if name not in begins:
        raise _Fault(f"{name} is missing")
    described = file.get_slice(name)
    found, kind = tuple(described.get_shape()), described.get_dtype()
    if found != shape:
        raise _Fault(f"{name} has shape {found}, expected {shape}")
    is_int8 = is_quantized and kind == "I8" and len(shape) == 2
    if not is_int8 and kind not in FLOATS:
        raise _Fault(f"{name} has type {kind}, expected {' or '.join(FLOATS)}")
    scale = _read_scale(file, f"{name}_scale", shape[0]) if is_int8 else None

    def read(first: int, last: int) -> Array:
        rows = _read_rows(path, begins[name], STORED[kind], shape, first, last)
        # A finite number can be beyond float32: told below, so NumPy need not warn of it.
        with np.errstate(over="ignore"):
            if kind == "BF16":
                rows = (rows.astype(np.uint32) << 16).view(np.float32)
            elif kind in ("F16", "I8"):
                rows = rows.astype(np.float32)
            if scale is not None:
                rows *= scale[first:last]
            if not np.isfinite(rows.astype(np.float32, copy=False)).all():
                raise _Fault(f"{name} holds NaN or infinity")
        return rows

    return read


def _read_scale(file: Any, name: str, n_rows: int) -> Array:
    """Return the scales of int8 rows."""
    if name not in file.keys():  # noqa: SIM118 (not a dict)
        raise _Fault(f"{name} is missing")
    scale: Array = file.get_tensor(name)
    if scale.shape != (n_rows, 1):
        raise _Fault(f"{name} has shape {scale.shape}, expected {(n_rows, 1)}")
    if scale.dtype != np.float32:
        raise _Fault(f"{name} has type {scale.dtype}, expected F32")
    if not np.isfinite(scale).all():
        raise _Fault(f"{name} holds NaN or infinity")
    return scale


def _begins(path: Path) -> dict[str, int]:
    """Return where in the file each tensor begins; `safe_open` has checked the header.

    https://github.com/huggingface/safetensors#format
    """
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    header.pop("__metadata__", None)
    return {name: 8 + size + tensor["data_offsets"][0] for name, tensor in header.items()}


def _read_rows(path: Path, begin: int, kind: str, shape: tuple[int, ...], first: int, last: int) -> Array:
    """Read rows as they are stored: a slice of `safe_open` would read the whole tensor for them."""
    stored, n = np.dtype(kind), math.prod(shape[1:])
    rows = np.fromfile(path, stored, count=(last - first) * n, offset=begin + first * n * stored.itemsize)
    return rows.reshape(last - first, *shape[1:])
