"""The reference pass in the engine's place, where no compiled kernels can run."""

from collections.abc import Sequence

import numpy as np

from ..model import reference
from ..model.config import DistilBertConfig
from ..model.params import Params
from .packing import Floats


class ReferenceEngine:
    """`reference.forward`, text by text, with the face of `Engine`.

    Its logits do not depend on the other texts either. On the number of threads they may: that is up to the
    BLAS of NumPy, whose threads are not ours to count.
    """

    def __init__(self, params: Params, config: DistilBertConfig) -> None:
        self.params = params
        self.config = config

    def warmup(self) -> None:
        """Do nothing: there is nothing to compile."""

    def forward(self, texts: Sequence[Sequence[int]]) -> Floats:
        """Compute the logits of texts: see `Engine.forward`."""
        logits = np.empty((len(texts), self.config.n_labels), np.float32)
        # What overflows is told by whoever reads the logits, as one error instead of many warnings.
        with np.errstate(over="ignore", invalid="ignore"):
            for i, ids in enumerate(texts):
                logits[i] = reference.forward(ids, self.params, self.config)
        return logits
