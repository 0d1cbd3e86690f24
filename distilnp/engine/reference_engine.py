"""The reference pass as an engine, for machines on which no compiled kernels can run."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from ..choices import Precision
from ..model import reference
from ..model.config import DistilBertConfig
from ..model.int8 import Int8Matrix
from ..model.params import Array, build_params, shapes
from .engine import parameter_hash
from .packing import Floats


class ReferenceEngine:
    """`reference.forward`, one input after another, with the interface of `Engine`.

    Here too, logits do not depend on the other inputs. They may depend on the number of threads: NumPy's BLAS
    decides about its own.
    """

    kernels = "NumPy"
    threads = None

    def __init__(
        self, tensors: Mapping[str, Array | Int8Matrix], config: DistilBertConfig, precision: Precision
    ) -> None:
        self.params = build_params(config, tensors)
        self.config = config
        self.precision = precision
        self._tensors = tensors

    @cached_property
    def weights_sha256(self) -> str:
        """The hash of the parameters; see `engine.parameter_hash`."""
        tensors = ((name, self._tensors[name]) for name in shapes(self.config))
        return parameter_hash((name, x.floats() if isinstance(x, Int8Matrix) else x) for name, x in tensors)

    def __repr__(self) -> str:
        return "ReferenceEngine(NumPy)"

    def warmup(self) -> None:
        """Do nothing: there is nothing to compile."""

    def forward(self, inputs: Sequence[Sequence[int]]) -> Floats:
        """Compute logits: see `Engine.forward`."""
        logits = np.empty((len(inputs), self.config.n_labels), np.float32)
        # Logits that overflow are reported by the classifier, as one error instead of many warnings.
        with np.errstate(over="ignore", invalid="ignore"):
            for i, ids in enumerate(inputs):
                logits[i] = reference.forward(ids, self.params, self.config)
        return logits
