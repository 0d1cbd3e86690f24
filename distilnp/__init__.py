"""DistilBERT text classification on a CPU, from scratch, in NumPy and Numba.

>>> import distilnp
>>> distilnp.classify("I really liked that movie!").label
'POSITIVE'

`load` returns a `Classifier` to keep; `classify` keeps one for you. To read how it works, begin with
`reference`.
"""

from .api import Classifier, classify, load
from .errors import (
    ArgumentError,
    CheckpointError,
    ConfigError,
    DistilnpError,
    InputTypeError,
    ModelNotFoundError,
    TensorError,
    TokenizerFilesError,
)
from .predictions import Prediction

__version__ = "0.1.0"

__all__ = [
    "ArgumentError",
    "CheckpointError",
    "Classifier",
    "ConfigError",
    "DistilnpError",
    "InputTypeError",
    "ModelNotFoundError",
    "Prediction",
    "TensorError",
    "TokenizerFilesError",
    "classify",
    "load",
]
