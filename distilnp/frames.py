"""Tables in, tables out: a frame with a column of text gets columns for what the model says.

narwhals gives pandas, polars, Arrow, Modin and cuDF one interface, and only this module needs it. The rows,
their order, the index and the other columns stay as they are; only the texts are read.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import Any

from .errors import ArgumentError, InputTypeError
from .foreign import shown
from .predictions import Prediction
from .texts import Text, is_missing

# Takes texts, some of them None, and gives their predictions, None for None.
Predict = Callable[[Sequence[Text | None]], Iterable[Prediction | None]]

# A message shows so much of a name or a value.
SHOWN = 60


def classified(
    frame: Any,
    column: str,
    pair_column: str | None,
    *,
    labels: Sequence[str],
    predict: Predict,
    scores: bool,
    prefix: str,
) -> Any:
    """Return a frame with the columns of its predictions.

    Parameters
    ----------
    frame : DataFrame or Table
    column, pair_column : str
        The columns of text; without the second, texts are single.
    labels : sequence of str
        The labels of the model.
    predict : callable
        Classifies the texts.
    scores : bool
        Whether each label gets a column with its score.
    prefix : str
        What the names of the new columns begin with.

    Raises
    ------
    InputTypeError
        It is not a frame, or a column has something that is not a text.
    ArgumentError
        There is no such column, two columns have one name, or a new name is there already.
    """
    nw = _narwhals()
    table = _table(nw, frame)
    spread = tuple(labels) if scores else ()
    names = [f"{prefix}{name}" for name in ("label", "score", "truncated", *spread)]
    _check_new(names, table.columns)
    texts: Sequence[Text | None] = _texts(table, column)
    if pair_column is not None:
        pairs = zip(_texts(table, column), _texts(table, pair_column), strict=True)
        texts = [None if None in pair else {"text": pair[0], "text_pair": pair[1]} for pair in pairs]
    rows = [_values(prediction, spread) for prediction in predict(texts)]
    kinds = [nw.String, nw.Float64, nw.Boolean, *[nw.Float64] * len(spread)]
    if table.implementation.is_pandas_like() and None in texts:
        kinds[2] = nw.Object  # the bool of NumPy has no null
    return table.with_columns(
        *(
            nw.new_series(name, [row[i] for row in rows], kind, backend=table.implementation)
            for i, (name, kind) in enumerate(zip(names, kinds, strict=True))
        )
    ).to_native()


def _values(prediction: Prediction | None, spread: tuple[str, ...]) -> tuple[object, ...]:
    """Return what a row gets; nulls where its text is missing."""
    if prediction is None:
        return (None,) * (3 + len(spread))
    scores = (prediction.scores[label] for label in spread)
    return (prediction.label, prediction.score, prediction.truncated, *scores)


def _texts(table: Any, column: str) -> list[Any]:
    """Return the texts of a column, None where one is missing."""
    if column not in table.columns:
        names = ", ".join(shown(name, SHOWN) for name in table.columns) or "none"
        raise ArgumentError(
            f"column is {shown(column, SHOWN)}, expected one of the frame: {names}. Name the column of text"
        )
    texts = [None if is_missing(value) else value for value in table[column].to_list()]
    for row, text in enumerate(texts):
        if text is not None and not isinstance(text, str):
            raise InputTypeError(
                f"column {shown(column, SHOWN)} is of {table[column].dtype}, and row {row} (from 0) has "
                f"{type(text).__name__} ({shown(text, SHOWN)}), expected str or null. Convert the column, or "
                "name the column of text"
            )
    return texts


def _check_new(names: list[str], columns: Sequence[str]) -> None:
    """Raise an `ArgumentError` if a new column has the name of another one."""
    if taken := [name for name in names if name in columns]:
        raise ArgumentError(
            f"the frame has {', '.join(shown(name, SHOWN) for name in taken)} already, expected other names "
            "than those of the new columns. Give a prefix for these, such as prefix='predicted_'"
        )
    if doubled := [name for name, n in Counter(names).items() if n > 1]:
        raise ArgumentError(
            f"two new columns would be called {shown(doubled[0], SHOWN)}, expected names that differ. The "
            "model has a label of that name: leave scores out, or give labels= when the model is loaded"
        )


def _table(nw: ModuleType, frame: Any) -> Any:
    """Return a frame in the interface of narwhals."""
    try:
        return nw.from_native(frame, eager_only=True)
    except nw.exceptions.DuplicateError as error:
        reason = " ".join(str(error).split())
        raise ArgumentError(
            f"frame has two columns of one name ({shown(reason, 2 * SHOWN)}), expected names that differ. "
            "Rename or drop one"
        ) from error
    except TypeError as error:
        advice = "Texts that are not in a frame go to classify"
        if type(frame).__module__.startswith("pyspark"):
            advice = "distilnp.spark.classify takes a DataFrame of Spark"
        elif hasattr(frame, "collect"):
            advice = "Collect it first: frame.collect()"
        raise InputTypeError(
            f"frame is {type(frame).__name__}, expected a DataFrame of pandas or polars, or a Table of "
            f"Arrow. {advice}"
        ) from error


def _narwhals() -> ModuleType:
    try:
        import narwhals
    except ImportError as error:
        raise ArgumentError(
            f"a frame is given, and the package that reads frames is not installed ({error}). Install it: "
            'pip install "distilnp[tables]"'
        ) from error
    return narwhals
