"""Packed weights that are shared: by the classifiers of a process, and by the processes of a machine.

The classifiers of one checkpoint take the same weights. Processes that fork from one share its memory anyway,
but those that are started one by one would each pack a copy. With DISTILNP_WEIGHTS_CACHE, the first one packs
and writes a file, and all of them map it. A file is written under another name and renamed when it is
complete, and it is used only if its hash is right.
"""

import json
import mmap
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np

from ..checkpoint.config_json import has_int8_rows
from ..checkpoint.tensors import Store, find_weights, read_tensors
from ..choices import DEFAULT_PRECISION, Precision
from ..errors import ArgumentError
from ..foreign import shown
from ..fork_lock import ForkLock
from ..kernels.steps import ABI
from ..model.config import DistilBertConfig
from ..version import __version__
from .weights import PackedWeights

VARIABLE = "DISTILNP_WEIGHTS_CACHE"

# The weights begin on a page of their own. Pages have 4 to 64 KB.
HEADER_BYTES = 65536

_shared: WeakValueDictionary[tuple[object, ...], PackedWeights] = WeakValueDictionary()
_packing_lock = ForkLock()


def load_packed(
    folder: Path, config: DistilBertConfig, precision: Precision = DEFAULT_PRECISION
) -> PackedWeights:
    """Pack the parameters of a checkpoint for an arithmetic, or return those that are packed already.

    Raises
    ------
    CheckpointError, TensorError
        See `checkpoint.tensors.read_tensors`.
    ArgumentError
        The folder in DISTILNP_WEIGHTS_CACHE cannot be used.
    """
    identity = _identity(find_weights(folder).files())
    key = identity, config, has_int8_rows(folder), precision
    with _packing_lock.held():  # threads that load the same model at once wait for one copy
        weights = _shared.get(key)
        if weights is None:
            cache = os.environ.get(VARIABLE)
            weights = (
                _cached(Path(cache), key, folder, config, precision)
                if cache
                else _packed(folder, config, precision)
            )
            _shared[key] = weights
    return weights


def _identity(files: list[Path]) -> tuple[object, ...]:
    """Return a key that changes when the files or, as far as the file system knows, their content changes."""
    try:
        stats = [path.stat() for path in files]
    except OSError:
        return tuple(files)  # `read_tensors` reports what is wrong
    return tuple((stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in stats)


def _packed(folder: Path, config: DistilBertConfig, precision: Precision) -> PackedWeights:
    made: list[PackedWeights] = []

    def destination(types: Mapping[str, str]) -> Store:
        made.append(PackedWeights(config, types, precision))
        return made[0].store

    read_tensors(folder, config, destination)
    return made[0]


def _cached(
    cache: Path, key: tuple[object, ...], folder: Path, config: DistilBertConfig, precision: Precision
) -> PackedWeights:
    """Map the packed weights of a checkpoint; if they are not in the cache, pack and write them first."""
    name = sha256(repr((key, ABI, __version__)).encode()).hexdigest()
    path = cache / f"{name}.packed"
    try:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(path.with_suffix(".lock")):  # processes that start together wait for one file
            weights = _mapped(path, config, precision)
            if weights is None:
                _write(path, _packed(folder, config, precision))
                weights = _mapped(path, config, precision)
            if weights is None:
                raise OSError("a file there reads otherwise than it was written")
    except OSError as error:
        raise ArgumentError(
            f"{VARIABLE} is {shown(os.fspath(cache))}, which cannot be used ({error.strerror or error}), "
            "expected a folder of your own that can be written to. Name another, or unset the variable"
        ) from error
    return weights


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait until no other process has the lock, and hold it; it ends with the process at the latest."""
    import fcntl  # only where compiled kernels can run

    with path.open("ab") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield


def _digest(types: Mapping[str, str], content: memoryview) -> str:
    """Return a hash of everything in a file: the same bytes would be other numbers in another type."""
    digest = sha256(json.dumps(types).encode())
    digest.update(content)
    return digest.hexdigest()


def _write(path: Path, weights: PackedWeights) -> None:
    import tempfile  # imported late: it takes milliseconds of every start

    content = weights.arena.data
    header = {"types": weights.types, "sha256": _digest(weights.types, content)}
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".unfinished", delete=False) as file:
        unfinished = Path(file.name)
        try:
            file.write(json.dumps(header).encode().ljust(HEADER_BYTES))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # or, after a loss of power, the new name could be that of an empty file
            unfinished.replace(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise


def _mapped(path: Path, config: DistilBertConfig, precision: Precision) -> PackedWeights | None:
    """Map a file of the cache, or return None if there is none, or not a whole one.

    Raises
    ------
    OSError
        It cannot be read, or belongs to somebody else, who could change it at any time.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    with file:
        if os.fstat(file.fileno()).st_uid not in (os.geteuid(), 0):
            raise PermissionError(f"{path.name} belongs to another user")
        try:
            header = json.loads(file.read(HEADER_BYTES))
            types, digest = dict(header["types"]), header["sha256"]
            memory = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)
        except (ValueError, KeyError, TypeError):
            return None
    arena = np.frombuffer(memory, np.uint8, offset=HEADER_BYTES)
    if _digest(types, arena.data) != digest:
        return None
    weights = PackedWeights(config, types, precision, arena)
    return weights if weights.size == len(arena) else None
