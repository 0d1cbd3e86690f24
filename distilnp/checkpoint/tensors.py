"""Weights are read into memory a few rows at a time, and all faults of the files are reported in one error.

A form of weights (`safetensors_file`, `pytorch`) knows where its tensors lie; this module checks whether they
are the tensors of the model. Files are read, not mapped: a mapping would keep all of its pages in memory
beside the tensors. The caller decides where rows go: `load_params` gathers plain arrays for the reference
pass, and the engine packs them.
"""

import _thread
import math
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import product
from pathlib import Path
from types import BuiltinFunctionType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..errors import CheckpointError, TensorError
from ..foreign import shown
from ..model.config import DistilBertConfig
from ..model.int8 import Int8Matrix, multiplies_integers
from ..model.params import ENCODER_PREFIX, Params, build_params, shapes
from .config_json import has_int8_rows
from .files import CONFIG, EXPORTED, FOLDER_WEIGHTS, INDEX, KERAS, PYTORCH, SAFETENSORS, VARIABLES
from .heads import ARCHITECTURE, head_of
from .int8 import read_scale, scale_name
from .safetensors_file import SafetensorsFile, ShardedSafetensors
from .stored import Fault, StoredRows, StoredTensor, WeightsFile, read_rows


def _pytorch_file(path: Path) -> WeightsFile:
    # Imported late: it brings zipfile and pickletools, which a safetensors checkpoint never needs.
    from .pytorch import PytorchFile

    return PytorchFile(path)


def _variables(path: Path) -> WeightsFile:
    # These are imported late as well: few checkpoints have only TensorFlow's files.
    from .tensorflow.variables import Variables

    return Variables(path)


def _keras_file(path: Path) -> WeightsFile:
    from .tensorflow.h5 import KerasFile

    return KerasFile(path)


FORMS: dict[str, Callable[[Path], WeightsFile]] = {
    SAFETENSORS: SafetensorsFile,
    INDEX: ShardedSafetensors,
    PYTORCH: _pytorch_file,
    VARIABLES: _variables,
    EXPORTED: _variables,
    KERAS: _keras_file,
}

FLOATS = ("F32", "F16", "BF16", "F64")

# The names in a LayerNorm, and those of TensorFlow, which early checkpoints have. transformers renames them.
OLD_NAMES = {"weight": "gamma", "bias": "beta"}

# Bytes that one thread reads at a time, counted as float32: much less than a model, and so many that the cost
# of a call does not matter.
CHUNK_BYTES = 4 << 20
# Receives a name, a shape, the number of the first row, and rows: see `read_tensors`.
Store = Callable[[str, tuple[int, ...], int, StoredRows], None]

# A file of another model has hundreds of faults; the first ones are enough to recognise it.
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
    return build_params(config, load_tensors(folder, config, dtype))


def load_tensors(folder: Path, config: DistilBertConfig, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
    """Read the parameters of a classifier by their names; numbers too large for the type become infinite.

    Raises
    ------
    CheckpointError, TensorError
        See `read_tensors`.
    """
    return _load(find_weights(folder), config, dtype, partial(has_int8_rows, folder), CONFIG)


def load_weights(
    weights: WeightsFile, config: DistilBertConfig, dtype: DTypeLike, described_by: str
) -> dict[str, NDArray[Any]]:
    """Read the parameters of a classifier from weights without a `config.json`.

    `described_by` is the name of the file that the configuration is from.

    Raises
    ------
    CheckpointError, TensorError
        See `read_tensors`.
    """
    return _load(weights, config, dtype, lambda: False, described_by)


def _load(
    weights: WeightsFile,
    config: DistilBertConfig,
    dtype: DTypeLike,
    is_int8: Callable[[], bool],
    described_by: str,
) -> dict[str, NDArray[Any]]:
    tensors: dict[str, NDArray[Any]] = {}

    def store(name: str, shape: tuple[int, ...], first_row: int, rows: StoredRows) -> None:
        tensor = tensors.setdefault(name, np.empty(shape, dtype))
        floats = rows.floats()
        with np.errstate(over="ignore"):  # a caller that asks for float16 checks the result
            tensor[first_row : first_row + len(floats)] = floats

    _read_weights(weights, config, is_int8, lambda types: store, described_by)
    return tensors


def load_int8_tensors(folder: Path, config: DistilBertConfig) -> dict[str, NDArray[Any] | Int8Matrix]:
    """Read the parameters for int8 arithmetic: integers where a dense layer multiplies them.

    Every matrix is quantized, or is so in the file. Those that are not multiplied as integers become float32
    again.

    Raises
    ------
    CheckpointError, TensorError
        See `read_tensors`.
    """
    tensors: dict[str, Any] = {}

    def store(name: str, shape: tuple[int, ...], first_row: int, rows: StoredRows) -> None:
        part = slice(first_row, first_row + len(rows.stored))
        if len(shape) == 2:
            rows = rows.quantized()
            if multiplies_integers(name, config):
                empty = Int8Matrix(np.empty(shape, np.int8), np.empty(shape[0], np.float32))
                matrix = tensors.setdefault(name, empty)
                matrix.integers[part], matrix.scale[part] = rows.stored, rows.scale_of_rows()
                return
        tensors.setdefault(name, np.empty(shape, np.float32))[part] = rows.floats()

    read_tensors(folder, config, lambda types: store)
    return tensors


def read_tensors(
    folder: Path, config: DistilBertConfig, destination: Callable[[Mapping[str, str]], Store]
) -> None:
    """Read every parameter of a classifier, a few rows at a time.

    Other tensors are not read, whatever their names and types: `ignored_tensors` lists them.

    Parameters
    ----------
    folder : Path
        The folder of the checkpoint, with `config.json` and weights in one of the `FORMS`.
    config : DistilBertConfig
        The model, which decides which tensors there are, and their shapes.
    destination : callable
        Takes the types that the files have for the parameters, by their names, and returns the function that
        stores rows. It is called only after the tensors are known to be there: until then, their sizes are
        just a claim of config.json. The function that it returns receives the name and the shape of a
        tensor, the number of the first row, and the rows as they are stored: as many as fit `CHUNK_BYTES`,
        and a multiple of 16 unless they are the last. Two threads call it, in any order.

    Raises
    ------
    CheckpointError
        There are no weights, or a file is damaged.
    TensorError
        Tensors are missing, or of the wrong shape or type, or hold NaN, infinity or a number beyond float32.
        The message names all of them. Some rows may have been stored before.
    """
    _read_weights(find_weights(folder), config, partial(has_int8_rows, folder), destination, CONFIG)


def _read_weights(
    weights: WeightsFile,
    config: DistilBertConfig,
    is_int8: Callable[[], bool],
    destination: Callable[[Mapping[str, str]], Store],
    described_by: str,
) -> None:
    """Read every parameter of a classifier: see `read_tensors`.

    `is_int8` is asked after the weights have been found: what is wrong with them is said first.
    """
    stored = weights.tensors()
    if head := head_of(stored):
        raise TensorError(
            f"{weights.path} holds {head}, expected a {ARCHITECTURE}. It has to be fine-tuned as a "
            "classifier first"
        )
    inventory = _inventory(stored, config, is_int8())
    _check_size(weights, inventory)
    if not inventory.faults:
        weights.check()
    types = {name: parameter.tensor.dtype for name, parameter in inventory.parameters.items()}
    store = _forget if inventory.faults else destination(types)
    faults = inventory.faults | _read(inventory.parameters, store)
    if faults:
        lines = [faults[name] for name in shapes(config) if name in faults]
        if inventory.faults:  # the other names help to recognise the model that the file holds
            lines += [f"{shown(name)} is not a tensor of this model" for name in sorted(inventory.left_over)]
        raise _not_this_model(weights.path, described_by, lines, _other_labels(stored, config))


def ignored_tensors(folder: Path, config: DistilBertConfig) -> list[str]:
    """Return the names of the tensors of a checkpoint that no part of the forward pass reads, sorted.

    transformers ignores them as well. Examples are the class weights of a loss, the buffers of old versions
    (`embeddings.position_ids`), and a second head.

    Parameters
    ----------
    folder, config
        See `read_tensors`.

    Raises
    ------
    CheckpointError
        There are no weights, or a file is damaged.
    """
    return sorted(_inventory(find_weights(folder).tensors(), config, has_int8_rows(folder)).left_over)


def find_weights(folder: Path) -> WeightsFile:
    """Return the weights of a checkpoint, in the most preferred form that its folder has.

    Raises
    ------
    CheckpointError
        There are none.
    """
    for name in FOLDER_WEIGHTS:
        if os.path.lexists(folder / name):  # a link that leads nowhere is an error, not a reason to go on
            return FORMS[name](folder / name)
    others = sorted(
        p.name for p in folder.glob("*") if p.suffix in {".bin", ".safetensors", ".h5", ".msgpack"}
    )
    beside = f" The folder has {', '.join(others)}, which distilnp does not read." if others else ""
    raise CheckpointError(
        f"{folder} has no weights, expected {' or '.join(FOLDER_WEIGHTS)}.{beside} save_pretrained of "
        "transformers writes them"
    )


class _Parameter(NamedTuple):
    """The tensor that a file has for a parameter: its name there, its place, and the scales of int8 rows."""

    name: str
    tensor: StoredTensor
    scale: NDArray[np.float32] | None

    def rows(self, first: int, last: int) -> StoredRows:
        """Read the rows from `first` up to `last`, and check their numbers."""
        rows = read_rows(self.tensor, self.name, first, last, self.scale)
        if not rows.are_finite():
            raise Fault(f"{self.name} holds NaN, infinity or a number beyond float32")
        return rows

    def chunks(self) -> Iterator[tuple[int, int]]:
        """Yield, for each part that is read at a time, its first row and the first row after it."""
        n_rows, *row_shape = self.tensor.shape
        step = max(16, CHUNK_BYTES // (4 * math.prod(row_shape)) // 16 * 16)
        for first in range(0, n_rows, step):
            yield first, min(first + step, n_rows)


class _Inventory(NamedTuple):
    """The parameters that were found, the faults of the others, and the tensors that are left over."""

    parameters: dict[str, _Parameter]
    faults: dict[str, str]
    left_over: set[str]


def _inventory(tensors: dict[str, StoredTensor], config: DistilBertConfig, is_int8: bool) -> _Inventory:
    """Compare the tensors of a file with those of the model; only the scales are read."""
    found = _Inventory({}, {}, set(tensors))
    for name, shape in shapes(config).items():
        spellings = [spelling for spelling in _spellings(name) if spelling in tensors] or [name]
        for spelling in spellings:
            found.left_over.discard(spelling)
            if is_int8:
                found.left_over.discard(scale_name(spelling))
        try:
            if len(spellings) > 1:
                raise Fault(f"{spellings[0]} is there again as {spellings[1]}, expected one of them")
            found.parameters[name] = _parameter(tensors, spellings[0], shape, is_int8)
        except Fault as fault:
            found.faults[name] = str(fault)
    return found


def _spellings(name: str) -> Iterator[str]:
    """Yield the names that files have for a parameter.

    A bare encoder's tensors have no prefix, and early checkpoints have other names in a LayerNorm.
    """
    module, _, kind = name.rpartition(".")
    is_layer_norm = module.lower().replace("_", "").endswith("layernorm")
    kinds = (kind, OLD_NAMES[kind]) if is_layer_norm else (kind,)
    modules = dict.fromkeys((module, module.removeprefix(ENCODER_PREFIX)))
    return (f"{module}.{kind}" for module, kind in product(modules, kinds))


def _parameter(
    tensors: dict[str, StoredTensor], name: str, shape: tuple[int, ...], is_int8: bool
) -> _Parameter:
    """Check a tensor of a file; return it with its scales if it can be the parameter."""
    if name not in tensors:
        raise Fault(f"{name} is missing")
    tensor = tensors[name]
    if tensor.shape != shape:
        raise Fault(f"{name} has shape {shown(tensor.shape)}, expected {shape}")
    has_scale = is_int8 and tensor.dtype == "I8" and len(shape) == 2
    if not has_scale and tensor.dtype not in FLOATS:
        raise Fault(f"{name} has type {tensor.dtype}, expected {' or '.join(FLOATS)}")
    if not tensor.can_be_read:
        raise Fault(f"{name} has strides {tensor.strides}, expected one of them to be 1")
    return _Parameter(name, tensor, read_scale(tensors, name) if has_scale else None)


def _check_size(weights: WeightsFile, inventory: _Inventory) -> None:
    """Refuse tensors that share their numbers: a small file would fill a large memory."""
    n_bytes = sum(parameter.tensor.n_bytes for parameter in inventory.parameters.values())
    size = sum(path.stat().st_size for path in weights.files())
    if n_bytes > size:
        raise TensorError(
            f"{weights.path} has {size} bytes for tensors of {n_bytes}, expected a place for each tensor. Do "
            "not trust a small file that makes a large model"
        )


def _forget(name: str, shape: tuple[int, ...], first_row: int, rows: StoredRows) -> None:
    """Store nothing: the rows are read only to find their faults."""


def _read(parameters: Mapping[str, _Parameter], store: Store) -> dict[str, str]:
    """Read and store all parameters; return the fault of each that has a fault in its numbers."""
    todo = [(name, chunk) for name, parameter in parameters.items() for chunk in parameter.chunks()]
    jobs = deque(todo)
    faults: dict[str, str] = {}

    def work() -> None:
        while jobs:
            try:
                name, (first, last) = jobs.popleft()
            except IndexError:  # the other thread was faster
                return
            try:
                store(name, parameters[name].tensor.shape, first, parameters[name].rows(first, last))
            except Fault as fault:
                faults.setdefault(name, str(fault))

    try:
        if not _with_a_helper(work):
            jobs.extend(todo)
            work()
    finally:
        jobs.clear()  # after an error or Ctrl-C, the helper ends with the rows that it is reading
    return faults


def _with_a_helper(work: Callable[[], None]) -> bool:
    """Do `work` in this thread and, if one can be started, in another, and wait for both.

    Return whether both have done their part: a signal handler may fork while they work, and the child has no
    helper.

    NumPy does most of the work without the GIL: two threads took 0.7 of the time of one, and four were no
    faster than two. No thread can be started at a limit of processes or while the interpreter ends. A
    library of green threads, such as gevent, puts its own function in the place of `start_new_thread`: its
    threads would not run beside this one.
    """
    ended: list[BaseException | None] = []

    def help_reading() -> None:
        try:
            work()
            ended.append(None)
        except BaseException as error:
            ended.append(error)

    helper = None
    if isinstance(_thread.start_new_thread, BuiltinFunctionType):
        # A daemon, because it must not keep the interpreter from ending after Ctrl-C.
        helper = threading.Thread(target=help_reading, name="distilnp-reader", daemon=True)
        try:
            helper.start()
        except RuntimeError:
            helper = None
    work()
    if helper is None:
        return True
    helper.join()
    for error in ended:
        if error is not None:
            raise error
    return bool(ended)


def _other_labels(tensors: Mapping[str, StoredTensor], config: DistilBertConfig) -> str:
    """Return a sentence if the head has other rows than there are labels: the caller may have given them."""
    head = tensors.get("classifier.weight")
    if head is None or len(head.shape) != 2 or head.shape[0] == config.n_labels:
        return ""
    return f"The head has {head.shape[0]} labels, and {config.n_labels} are given. "


def _not_this_model(path: Path, described_by: str, faults: Iterable[str], about_labels: str) -> TensorError:
    lines = [f"  - {fault}" for fault in faults]
    if len(lines) > MAX_FAULTS_SHOWN:
        lines[MAX_FAULTS_SHOWN:] = [f"  - and {len(lines) - MAX_FAULTS_SHOWN} more"]
    return TensorError(
        f"{path} does not hold the model that {described_by} describes:\n" + "\n".join(lines) + "\n"
        f"{about_labels}If names or shapes differ, take {described_by} and {path.name} from one revision of "
        "one checkpoint. Otherwise the file is damaged: fetch it again"
    )
