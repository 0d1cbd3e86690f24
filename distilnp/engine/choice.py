"""Which engine a checkpoint gets: the compiled kernels where they can run, otherwise the reference pass."""

from functools import cache
from pathlib import Path

import numpy as np

from ..checkpoint.tensors import load_int8_tensors, load_tensors
from ..choices import Precision
from ..model.config import DistilBertConfig
from ..native.loader import choose, say
from .compiled_engine import CompiledEngine
from .engine import Engine
from .reference_engine import ReferenceEngine
from .shared_weights import load_packed


def load_engine(folder: Path, config: DistilBertConfig, threads: int, precision: Precision) -> Engine:
    """Load the weights of a checkpoint into the fastest engine that can run here.

    The choice is made now and held by the engine: a later change of DISTILNP_KERNELS changes nothing.

    Parameters
    ----------
    folder : Path
        The folder of the checkpoint.
    config : DistilBertConfig
        Its configuration.
    threads : int
        How many threads to compute with. The reference pass leaves this to NumPy.
    precision : {"float32", "int8"}
        The arithmetic of the dense layers.

    Raises
    ------
    CheckpointError, TensorError
        The weights cannot be used.
    ArgumentError
        DISTILNP_KERNELS asks for kernels that cannot run here.
    """
    choice = choose()
    if choice.program is not None:
        return CompiledEngine(load_packed(folder, config, precision), threads, choice.program)
    if choice.reason:
        _say_once(f"{choice.reason}; computing with NumPy instead, several times slower")
    is_int8 = precision == "int8"
    tensors = load_int8_tensors(folder, config) if is_int8 else load_tensors(folder, config, np.float32)
    return ReferenceEngine(tensors, config, precision)


@cache
def _say_once(message: str) -> None:
    """Log a message once in a process."""
    say(message)
