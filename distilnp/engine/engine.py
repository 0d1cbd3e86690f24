"""The interface of an engine: anything that turns token ids into logits."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..choices import Precision
from ..model.config import DistilBertConfig
from ..model.params import Array, Params


class Engine(Protocol):
    """The forward pass of one model, with its parameters."""

    @property
    def config(self) -> DistilBertConfig:
        """The configuration of the model."""

    @property
    def params(self) -> Params:
        """The parameters as the reference pass takes them."""

    @property
    def precision(self) -> Precision:
        """The arithmetic of the dense layers: "float32", or "int8" as `model/int8.py` derives it."""

    @property
    def kernels(self) -> str:
        """What computes, in a few words."""

    @property
    def threads(self) -> int | None:
        """How many threads compute, or None if NumPy decides."""

    @property
    def weights_sha256(self) -> str:
        """A hash of the parameters: see `parameter_hash`."""

    def warmup(self) -> None:
        """Do now whatever the first call of `forward` would otherwise wait for."""

    def forward(self, inputs: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Compute logits.

        Parameters
        ----------
        inputs : sequence of sequences of int
            Token ids with [CLS] and [SEP]; from 1 to `max_position_embeddings` in each. Nothing is checked.

        Returns
        -------
        array, [n_inputs, n_labels], float32
        """


def parameter_hash(tensors: Iterable[tuple[str, Array]]) -> str:
    """Return the SHA-256 of parameters, in the order of `params.shapes`.

    It covers the names and the float32 numbers that a model computes with. So it is the same for every form
    in which these numbers may be stored, for every engine and on every machine.
    """
    content = sha256()
    for name, tensor in tensors:
        content.update(name.encode() + b"\0")
        content.update(np.ascontiguousarray(tensor, "<f4").data)
    return content.hexdigest()
