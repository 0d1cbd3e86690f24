"""Weights into memory: some rows at a time, and every fault of the files named in one error.

What a file is, is known to its source (`safetensors_file`, `pytorch`); whether its tensors are those of the
model is checked here. Files are read, not mapped: a mapping would keep all of its pages in memory beside the
tensors. Where rows go is the caller's business: `load_params` gathers plain arrays for the reference pass,
the engine packs them.
"""

import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..errors import CheckpointError, TensorError
from ..model.config import DistilBertConfig
from ..model.params import ENCODER_PREFIX, Array, Params, build_params, shapes
from .heads import head_of
from .safetensors_file import SafetensorsFile, ShardedSafetensors
from .stored import Fault, Source, StoredTensor

WEIGHTS_FILE = "model.safetensors"


def _pytorch_file(path: Path) -> Source:
    # It brings zipfile and pickletools, which who has safetensors need not wait for.
    from .pytorch import PytorchFile

    return PytorchFile(path)


# The first that a folder has is read.
SOURCES: dict[str, Callable[[Path], Source]] = {
    WEIGHTS_FILE: SafetensorsFile,
    "model.safetensors.index.json": ShardedSafetensors,
    "pytorch_model.bin": _pytorch_file,
}

FLOATS = ("F32", "F16", "BF16", "F64")

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
    tensors = load_tensors(folder, config, dtype)
    return build_params(config, tensors)


def load_tensors(folder: Path, config: DistilBertConfig, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
    """Read the parameters of a classifier by their names; numbers too large for the type become infinite.

    Raises
    ------
    CheckpointError, TensorError
        See `read_tensors`.
    """
    tensors: dict[str, NDArray[Any]] = {}

    def store(name: str, shape: tuple[int, ...], first_row: int, rows: Array) -> None:
        tensor = tensors.setdefault(name, np.empty(shape, dtype))
        with np.errstate(over="ignore"):  # who asks for such a type tells it
            tensor[first_row : first_row + len(rows)] = rows

    read_tensors(folder, config, lambda: store)
    return tensors


def read_tensors(folder: Path, config: DistilBertConfig, destination: Callable[[], Store]) -> None:
    """Read every parameter of a classifier, a few rows at a time.

    Parameters
    ----------
    folder : Path
        Holds weights in one of the forms of `SOURCES`.
    config : DistilBertConfig
        Says which tensors there are, and their shapes.
    destination : callable
        Is called once the tensors are known to be there: until then, their sizes are only what config.json
        says. Returns what is given the name and the shape of a tensor, the number of the first row, and the
        rows: float64 if they are stored so, else float32. There are as many as fit `CHUNK_BYTES`, in whole
        sixteens but for the last. Several threads call it, in any order.

    Raises
    ------
    CheckpointError
        There are no weights, or their files are damaged.
    TensorError
        Tensors are missing, left over, of the wrong shape or type, or hold NaN or infinity, also as float32.
        All are named. Some may have been stored before.
    """
    source = find_weights(folder)
    stored = source.tensors()
    faults: dict[str, str | None] = {}
    reads: dict[str, tuple[tuple[int, ...], Callable[[int, int], Array]]] = {}
    n_bytes = 0
    unread = set(stored) - {POSITION_IDS, ENCODER_PREFIX + POSITION_IDS}

    for name, shape in shapes(config).items():
        stored_name = _stored_name(name, unread)
        unread.difference_update(
            {stored_name, f"{stored_name}_scale"} if config.is_quantized else {stored_name}
        )
        faults[name] = None
        try:
            reads[name] = shape, _reader(stored, stored_name, shape, config.is_quantized)
        except Fault as fault:
            faults[name] = str(fault)
        else:
            n_bytes += stored[stored_name].n_bytes
    if head := head_of(stored):
        raise TensorError(
            f"{source.path} holds {head}, expected a DistilBertForSequenceClassification. It has to be "
            "fine-tuned as a classifier first"
        )
    if n_bytes > (size := sum(path.stat().st_size for path in source.files())):
        raise TensorError(
            f"{source.path} has {size} bytes for tensors of {n_bytes}, expected a place for each tensor: "
            "a small file that makes a large model is not to be trusted"
        )
    is_whole = not unread and not any(faults.values())
    store = destination() if is_whole else _forget
    faults |= dict(_read(reads, store))
    told = [fault for fault in faults.values() if fault]
    told += [f"{name:.200} is not a tensor of this model" for name in sorted(unread)]
    if told:
        lines = [f"  - {fault}" for fault in told[:MAX_FAULTS_SHOWN]]
        if len(told) > MAX_FAULTS_SHOWN:
            lines.append(f"  - and {len(told) - MAX_FAULTS_SHOWN} more")
        raise TensorError(
            f"{source.path} does not hold the model that config.json describes:\n" + "\n".join(lines) + "\n"
            f"Names or shapes of another model: take config.json and {source.path.name} from one revision of "
            "one checkpoint. Anything else: the file is damaged, fetch it again"
        )


def find_weights(folder: Path) -> Source:
    """Return the weights of a checkpoint, safetensors before PyTorch's own format.

    Raises
    ------
    CheckpointError
        There are none.
    """
    for name, source in SOURCES.items():
        if os.path.lexists(folder / name):  # a link that leads nowhere is to be told
            return source(folder / name)
    others = sorted(
        p.name for p in folder.glob("*") if p.suffix in {".bin", ".safetensors", ".h5", ".msgpack"}
    )
    beside = f" The folder has {', '.join(others)}, not read by distilnp." if others else ""
    raise CheckpointError(
        f"{folder} has no weights, expected {' or '.join(SOURCES)}.{beside} save_pretrained of transformers "
        "writes them"
    )


def _forget(name: str, shape: tuple[int, ...], first_row: int, rows: Array) -> None:
    """Store nothing: rows are read only for their faults."""


def _read(
    reads: dict[str, tuple[tuple[int, ...], Callable[[int, int], Array]]], store: Store
) -> Iterator[tuple[str, str]]:
    """Read and store all tensors; yield the names of those with faults in their values, and the faults."""
    with ThreadPoolExecutor(READERS) as readers:
        jobs: list[tuple[str, Future[None]]] = []
        for name, (shape, read) in reads.items():

            def job(first: int, last: int, name: str = name, shape: Any = shape, read: Any = read) -> None:
                store(name, shape, first, read(first, last))

            jobs += [(name, readers.submit(job, *chunk)) for chunk in _chunks(shape)]
        for name, future in jobs:
            try:
                future.result()
            except Fault as fault:
                yield name, str(fault)


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
    tensors: dict[str, StoredTensor], name: str, shape: tuple[int, ...], is_quantized: bool
) -> Callable[[int, int], Array]:
    """Return what reads some rows of a tensor and widens them to float32 where they are stored in less."""
    if name not in tensors:
        raise Fault(f"{name} is missing")
    stored = tensors[name]
    if stored.shape != shape:
        raise Fault(f"{name} has shape {stored.shape!s:.200}, expected {shape}")
    is_int8 = is_quantized and stored.kind == "I8" and len(shape) == 2
    if not is_int8 and stored.kind not in FLOATS:
        raise Fault(f"{name} has type {stored.kind}, expected {' or '.join(FLOATS)}")
    if not stored.can_be_read:
        raise Fault(f"{name} has strides {stored.strides}, expected one of them to be 1")
    scale = _read_scale(tensors, f"{name}_scale", shape[0]) if is_int8 else None

    def read(first: int, last: int) -> Array:
        rows = _rows(stored, name, first, last)
        # A finite number can be beyond float32: told below, so NumPy need not warn of it.
        with np.errstate(over="ignore"):
            if stored.kind == "BF16":
                rows = (rows.astype(np.uint32) << 16).view(np.float32)
            elif stored.kind in ("F16", "I8"):
                rows = rows.astype(np.float32)
            if scale is not None:
                rows *= scale[first:last]
            if not np.isfinite(rows.astype(np.float32, copy=False)).all():
                raise Fault(f"{name} holds NaN or infinity")
        return rows

    return read


def _read_scale(tensors: dict[str, StoredTensor], name: str, n_rows: int) -> Array:
    """Return the scales of int8 rows."""
    if name not in tensors:
        raise Fault(f"{name} is missing")
    stored = tensors[name]
    if stored.shape != (n_rows, 1):
        raise Fault(f"{name} has shape {stored.shape!s:.200}, expected {(n_rows, 1)}")
    if stored.kind != "F32":
        raise Fault(f"{name} has type {stored.kind}, expected F32")
    scale = _rows(stored, name, 0, n_rows)
    if not np.isfinite(scale).all():
        raise Fault(f"{name} holds NaN or infinity")
    return scale


def _rows(stored: StoredTensor, name: str, first: int, last: int) -> Any:
    try:
        return stored.rows(first, last)
    except (EOFError, OSError) as error:
        raise Fault(f"{name} cannot be read from {stored.path.name} ({error})") from None
