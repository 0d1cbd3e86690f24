"""What an engine is: anything that turns token ids into logits."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..model.config import DistilBertConfig
from ..model.params import Params


class Engine(Protocol):
    """The forward pass of one model, with its parameters."""

    @property
    def config(self) -> DistilBertConfig:
        """The configuration of the model."""

    @property
    def params(self) -> Params:
        """The parameters as the reference pass takes them, float32."""

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
