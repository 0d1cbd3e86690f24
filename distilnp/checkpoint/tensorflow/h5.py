"""`tf_model.h5`, the weights of Keras, as a form of weights: h5py says where each of them lies.

The file has a group for each layer of the model, and below it the variables under their full names. Only the
places of the numbers are asked for; the numbers themselves are read as in any other form.
"""

from collections.abc import Iterator
from typing import Any

from ...errors import CheckpointError
from ...foreign import shown
from ..stored import SIZES, OneFile, StoredTensor, contiguous, weights_size
from .names import parameter

# NumPy's names for types, and safetensors'.
TYPES = {"<f8": "F64", "<f4": "F32", "<f2": "F16", "<i8": "I64", "<i4": "I32"}

# Groups inside groups: a variable's name has eight parts.
MAX_DEPTH = 32
# A DistilBERT has a hundred variables and two hundred groups.
MAX_OBJECTS = 100_000


class _NotKeras(Exception):
    """The file is not one that Keras writes."""


class KerasFile(OneFile):
    """One `tf_model.h5`."""

    def tensors(self) -> dict[str, StoredTensor]:
        """Return the tensors by PyTorch's names; one that is no parameter has its path for a name.

        Raises
        ------
        CheckpointError
            h5py is not installed, or the file is not there, is damaged, or is not one that Keras writes.
        """
        size = weights_size(self.path)
        try:
            import h5py  # imported late: only this form needs it, which is why it is in an extra
        except ImportError as error:
            raise CheckpointError(
                f"{self.path} has its weights in HDF5, expected h5py to be installed, which reads it: pip "
                "install 'distilnp[tensorflow]'"
            ) from error
        try:
            # Its own copy of the file, read-only, and no lock: a folder may be on a disk without locks.
            with h5py.File(self.path, "r", locking=False) as file:
                return dict(self._found(file, h5py, size))
        # h5py raises these for whatever its library finds wrong in a file.
        except (
            OSError,
            RuntimeError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            OverflowError,
        ) as error:
            raise self._refused(f"HDF5 cannot read it ({error!s:.200})") from None
        except _NotKeras as reason:
            raise self._refused(str(reason)) from None

    def _refused(self, reason: str) -> CheckpointError:
        return CheckpointError(
            f"{self.path} is not a file of weights as Keras writes it: {reason}. It is damaged or was not "
            "fetched to its end: fetch it again"
        )

    def _found(self, file: Any, h5py: Any, size: int) -> Iterator[tuple[str, StoredTensor]]:
        """Yield the name and the place of each tensor."""
        names = set()
        for path, dataset in _datasets(file, h5py):
            dtype = TYPES.get(dataset.dtype.str)
            begin = dataset.id.get_offset()
            if dtype is None or not dataset.size:  # no numbers, or none of a parameter
                continue
            if dataset.external or dataset.is_virtual or begin is None:
                raise _NotKeras(f"{shown(path)} does not lie in one piece in the file")
            shape, strides = dataset.shape, contiguous(dataset.shape)
            if begin + dataset.size * SIZES[dtype] > size:
                raise _NotKeras(f"it ends before the end of {shown(path)}")
            # The first part is the group of a layer, which the variable's full name follows.
            known = parameter(path.partition("/")[2])
            name = known.name if known else path
            if known and known.is_transposed:
                shape, strides = shape[::-1], strides[::-1]
            if name in names:
                raise _NotKeras(f"{shown(name)} is there twice")
            names.add(name)
            yield name, StoredTensor(self.path, begin, dtype, shape, strides)


def _datasets(file: Any, h5py: Any) -> Iterator[tuple[str, Any]]:
    """Yield the path and the dataset of all that is in a file.

    Links into other files and soft links are not followed: Keras writes neither. A group that can be reached
    in two ways is visited twice, within limits.
    """
    waiting = [("", file, 0)]
    n_objects = 0
    while waiting:
        path, group, depth = waiting.pop()
        for name in group:
            n_objects += 1
            if n_objects > MAX_OBJECTS or depth > MAX_DEPTH:
                raise _NotKeras("it has more groups than a model has")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise _NotKeras(f"{shown(path + name)} is a link, expected the variable itself")
            item = group[name]
            if isinstance(item, h5py.Group):
                waiting.append((f"{path}{name}/", item, depth + 1))
            elif isinstance(item, h5py.Dataset):
                yield path + name, item
