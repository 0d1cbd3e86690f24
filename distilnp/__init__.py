"""DistilBERT text classification on a CPU, from scratch, in NumPy and Numba.

>>> import distilnp
>>> distilnp.classify("I really liked that movie!").label
'POSITIVE'

`load` returns a `Classifier` to keep; `classify` keeps one for you. To read how it works, begin with
`distilnp.model.reference`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import (
    ArgumentError,
    CheckpointError,
    ConfigError,
    DistilnpError,
    DownloadError,
    InputFileError,
    InputTypeError,
    ModelNotFoundError,
    TensorError,
    TextTooLongError,
    TokenizerFilesError,
)
from .version import __version__ as __version__

if TYPE_CHECKING:
    from .api import Classifier, classify, classify_frame, compare, evaluate, load
    from .evaluation.base import Evaluation
    from .evaluation.comparison import Comparison
    from .evaluation.multi_label import MultiLabelEvaluation
    from .evaluation.regression import RegressionEvaluation
    from .evaluation.single_label import SingleLabelEvaluation
    from .explain.counterfactual import Counterfactual
    from .explain.explanation import Explanation
    from .explain.trace import Trace
    from .predictions import Part, Prediction

__all__ = [
    "ArgumentError",
    "CheckpointError",
    "Classifier",
    "Comparison",
    "ConfigError",
    "Counterfactual",
    "DistilnpError",
    "DownloadError",
    "Evaluation",
    "Explanation",
    "InputFileError",
    "InputTypeError",
    "ModelNotFoundError",
    "MultiLabelEvaluation",
    "Part",
    "Prediction",
    "RegressionEvaluation",
    "SingleLabelEvaluation",
    "TensorError",
    "TextTooLongError",
    "TokenizerFilesError",
    "Trace",
    "classify",
    "classify_frame",
    "compare",
    "evaluate",
    "load",
]

# These bring NumPy. Imported when first used (PEP 562), they keep `distilnp --help` from waiting for it.
_MODULES = {
    "Classifier": "api",
    "Comparison": "evaluation.comparison",
    "Counterfactual": "explain.counterfactual",
    "Evaluation": "evaluation.base",
    "Explanation": "explain.explanation",
    "MultiLabelEvaluation": "evaluation.multi_label",
    "Part": "predictions",
    "Prediction": "predictions",
    "RegressionEvaluation": "evaluation.regression",
    "SingleLabelEvaluation": "evaluation.single_label",
    "Trace": "explain.trace",
    "classify": "api",
    "classify_frame": "api",
    "compare": "api",
    "evaluate": "api",
    "load": "api",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
