"""What runs in Spark's Python workers, and how it gets there.

Spark pickles a function by its name. A worker without distilnp would fail before any code of ours could say
what is missing. So Spark is given the function in `shipped`, which is pickled with its code: it imports this
module, explains if that fails, and unpickles the work, which is small.
"""

import pickle
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd
from pyspark import cloudpickle
from pyspark.sql import Column
from pyspark.sql.functions import pandas_udf
from pyspark.sql.types import ArrayType

from ..texts import is_missing
from ..version import __version__
from . import shipped
from .annotation import DOCUMENT, Annotation
from .loaded_model import LoadedModel
from .work import Row, Work

cloudpickle.register_pickle_by_value(shipped)


class Batch(Protocol):
    """Makes a list of structs for each row of some columns. It is pickled: a frozen dataclass."""

    def __call__(self, *columns: Sequence[Any]) -> list[list[dict[str, Any]]]:
        """Return the list of each row."""
        ...


def in_workers(batch: Batch, schema: ArrayType, *columns: Column) -> Column:
    """Return the column of lists that Spark's Python workers make from other columns."""
    function = shipped.shipped(pickle.dumps(batch), __version__)
    udf = pandas_udf(function, schema)
    # Spark has read them by now. A worker without pandas could not unpickle them, nor say what is missing.
    function.__annotations__.clear()
    result: Column = udf(*columns)
    return result


def run(payload: bytes, batches: Iterable[pd.Series | tuple[pd.Series, ...]]) -> Iterator[pd.Series]:
    """Apply a pickled `Batch` to one batch of Spark after another: a tuple of columns, or the only one."""
    batch: Batch = pickle.loads(payload)  # it comes from the driver, as all code that Spark runs does
    for columns in batches:
        made = batch(*columns) if isinstance(columns, tuple) else batch(columns)
        yield pd.Series(made, dtype=object)


@dataclass(frozen=True)
class Annotated:
    """Makes annotations from the begins, ends, results and sentences of annotations."""

    work: Work

    def __call__(self, *columns: Sequence[Any]) -> list[list[dict[str, Any]]]:
        """Return the annotations of each row."""
        rows = [_annotations(*row) for row in zip(*columns, strict=True)]
        return [[_as_dict(annotation) for annotation in row] for row in self.work(rows)]


@dataclass(frozen=True)
class Predicted:
    """Makes the prediction for each text, in a list; an empty list for a text that is missing."""

    model: LoadedModel

    def __call__(self, *columns: Sequence[Any]) -> list[list[dict[str, Any]]]:
        """Return the prediction of each row."""
        (texts,) = columns
        predictions = self.model.classifier().stream(texts, missing="none")
        return [
            []
            if prediction is None
            else [
                {
                    "label": prediction.label,
                    "score": prediction.score,
                    "labels": list(prediction.labels),
                    "scores": prediction.scores,
                    "n_tokens": prediction.n_tokens,
                    "n_seen": prediction.n_seen,
                    "truncated": prediction.truncated,
                }
            ]
            for prediction in predictions
        ]


def _annotations(begins: Any, ends: Any, results: Any, sentences: Any) -> Row:
    if is_missing(results):  # the column is null in this row
        return []
    return [
        Annotation(DOCUMENT, int(begin), int(end), result, {} if index is None else {"sentence": index})
        for begin, end, result, index in zip(begins, ends, results, sentences, strict=True)
        if result is not None
    ]


def _as_dict(annotation: Annotation) -> dict[str, Any]:
    return {
        "annotatorType": annotation.annotatorType,
        "begin": annotation.begin,
        "end": annotation.end,
        "result": annotation.result,
        "metadata": annotation.metadata,
        "embeddings": annotation.embeddings,
    }
