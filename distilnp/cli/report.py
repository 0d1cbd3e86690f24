"""The report of `evaluate`: what an `Evaluation` holds, as JSON and in words for people."""

from argparse import Namespace
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..calibration import errors, over_the_other_half
from ..errors import ArgumentError
from ..evaluation.base import Evaluation, LabelScores
from ..evaluation.coverage import Coverage
from ..evaluation.measures import report_in_words
from ..evaluation.multi_label import MultiLabelEvaluation
from ..evaluation.regression import RegressionEvaluation
from ..evaluation.single_label import SingleLabelEvaluation
from ..widths import columns_of, fit

# The width that every terminal has.
LINE_COLUMNS = 80

# The columns between two cells.
GAP = 2

# The columns of precision, recall, F1 and support in scikit-learn's report, with what separates them.
FIGURES_COLUMNS = 41

# A terminal may be so narrow that a table has no room, but a label needs some to be told from others.
LEAST_LABEL_COLUMNS = 12

# The width of the words that begin the lines below the tables.
HEAD_COLUMNS = 12

# The chance in the texts moves the second digit of a temperature.
TEMPERATURE_DIGITS = 4


class Fit(NamedTuple):
    """A temperature that was fitted on the texts, and the errors of scores without it and with it.

    The errors with it are those of each half of the texts over the temperature of the other half.
    """

    temperature: float
    log_loss: tuple[float, float]
    calibration_error: tuple[float, float]


def fitted(evaluation: SingleLabelEvaluation | MultiLabelEvaluation) -> Fit | str:
    """Return the temperature that fits the texts, or why there is none: that costs no report."""
    truth = evaluation.true_ids if isinstance(evaluation, SingleLabelEvaluation) else evaluation.truth
    try:
        temperature = round(evaluation.temperature(), TEMPERATURE_DIGITS)
        scaled, _ = over_the_other_half(evaluation.logits, truth)
    except ArgumentError as error:
        return str(error)
    pairs = zip(errors(evaluation.logits, truth), errors(scaled, truth), strict=True)
    return Fit(temperature, *pairs)


def figures(evaluation: Evaluation, seconds: float, options: Namespace) -> dict[str, Any]:
    """Return all figures, as JSON can hold them."""
    found = evaluation.as_dict()
    if options.min_score and isinstance(evaluation, SingleLabelEvaluation):
        found["coverage"] = [row.as_dict() for row in evaluation.coverage(options.min_score)]
    if options.fit_temperature and isinstance(evaluation, SingleLabelEvaluation | MultiLabelEvaluation):
        fit_or_reason = fitted(evaluation)
        found["temperature"] = (
            {"value": None, "reason": fit_or_reason}
            if isinstance(fit_or_reason, str)
            else {
                "value": fit_or_reason.temperature,
                "log_loss": list(fit_or_reason.log_loss),
                "expected_calibration_error": list(fit_or_reason.calibration_error),
            }
        )
    found["throughput"] = {
        "seconds": seconds,
        "texts_per_second": evaluation.n_texts / seconds,
        "tokens_per_second": _n_seen(evaluation) / seconds,
    }
    return found


def in_words(evaluation: Evaluation, seconds: float, options: Namespace, columns: int | None) -> str:
    """Return the same figures for people.

    They have `options.digits` digits after the decimal point, and tables fit into the columns of a terminal;
    None is for a file.
    """
    digits = options.digits
    blocks, lines = _of_kind(evaluation, digits, columns)
    if options.min_score and isinstance(evaluation, SingleLabelEvaluation):
        blocks.append(_coverage(evaluation.coverage(options.min_score), digits))
    cut = evaluation.truncation
    lines["cut"] = (
        f"{cut.n_texts:,} of {evaluation.n_texts:,} texts; "
        f"{cut.n_tokens_not_seen:,} of {cut.n_tokens:,} tokens "
        f"({cut.n_tokens_not_seen / cut.n_tokens:.2%}) not seen"
    )
    lines["speed"] = (
        f"{evaluation.n_texts / seconds:,.1f} texts/s, {_n_seen(evaluation) / seconds:,.0f} tokens/s"
    )
    if isinstance(evaluation, SingleLabelEvaluation | MultiLabelEvaluation):
        if evaluation.absent_labels:
            lines["left out"] = fit(", ".join(evaluation.absent_labels), LINE_COLUMNS - HEAD_COLUMNS)
        if options.fit_temperature:
            lines["temperature"] = _fit_in_words(fitted(evaluation), digits)
    return "\n\n".join(
        [*blocks, "\n".join(f"{head:<{HEAD_COLUMNS}} {words}" for head, words in lines.items())]
    )


def aligned(lines: Sequence[Sequence[str]], columns: int | None = None) -> str:
    """Return rows of cells as a table that is aligned at the right.

    A table that is wider than a terminal goes on below, with its first column again.
    """
    widths = [max(map(columns_of, column)) for column in zip(*lines, strict=True)]
    parts: list[list[int]] = []
    room = 0
    for i, width in enumerate(widths[1:], start=1):
        room -= GAP + width
        if not parts or (columns is not None and room < 0):
            parts.append([0])
            room = (columns or 0) - widths[0] - GAP - width
        parts[-1].append(i)
    return "\n\n".join(
        "\n".join(
            (" " * GAP).join(" " * (widths[i] - columns_of(line[i])) + line[i] for i in part)
            for line in lines
        )
        for part in parts
    )


def _n_seen(evaluation: Evaluation) -> int:
    return evaluation.truncation.n_tokens - evaluation.truncation.n_tokens_not_seen


def _of_kind(evaluation: Evaluation, digits: int, columns: int | None) -> tuple[list[str], dict[str, str]]:
    """Return the tables and the lines that only one kind of model has."""
    if isinstance(evaluation, SingleLabelEvaluation):
        return _of_single_label(evaluation, digits, columns)
    if isinstance(evaluation, MultiLabelEvaluation):
        return _of_multi_label(evaluation, digits, columns)
    assert isinstance(evaluation, RegressionEvaluation)
    r = evaluation.pearson_r
    return [], {
        "mean error": f"{evaluation.mean_absolute_error:.{digits}f}, the mean of absolute differences",
        "rms error": f"{evaluation.root_mean_square_error:.{digits}f}, the root of the mean square",
        "Pearson's r": "not defined for equal numbers" if r is None else f"{r:.{digits}f}",
    }


def _of_single_label(
    evaluation: SingleLabelEvaluation, digits: int, columns: int | None
) -> tuple[list[str], dict[str, str]]:
    names = _names(evaluation.labels, columns)
    ids = evaluation.label_ids
    low, high = evaluation.accuracy_interval
    tables = [
        report_in_words(evaluation.true_ids, evaluation.predicted_ids, ids, names, digits).removesuffix("\n"),
        _matrix(ids, names, evaluation.confusion_matrix.tolist(), columns),
    ]
    return tables, {
        "accuracy": f"{evaluation.n_right}/{evaluation.n_texts} = {evaluation.accuracy:.{digits}f}, "
        f"95 % interval {low:.{digits}f} to {high:.{digits}f}",
        "log loss": f"{evaluation.log_loss:.{digits}f}",
        "calibration": f"{evaluation.calibration_error:.{digits}f} expected calibration error",
    }


def _of_multi_label(
    evaluation: MultiLabelEvaluation, digits: int, columns: int | None
) -> tuple[list[str], dict[str, str]]:
    names = _names(evaluation.labels, columns)
    rows = [
        (name, *_cells(scores, digits))
        for name, scores in zip(names, evaluation.per_label.values(), strict=True)
    ]
    low, high = evaluation.exact_match_interval
    return [aligned([("", "precision", "recall", "f1-score", "support"), *rows], columns)], {
        "F1": f"{evaluation.micro_f1:.{digits}f} micro average, "
        f"{evaluation.macro_f1:.{digits}f} macro average",
        "exact match": f"{evaluation.n_right}/{evaluation.n_texts} = {evaluation.exact_match:.{digits}f}, "
        f"95 % interval {low:.{digits}f} to {high:.{digits}f}",
        "log loss": f"{evaluation.log_loss:.{digits}f}",
        "calibration": f"{evaluation.calibration_error:.{digits}f} expected calibration error",
    }


def _names(labels: Sequence[str], columns: int | None) -> list[str]:
    """Return labels as a terminal can show them beside their figures."""
    room = None if columns is None else max(LEAST_LABEL_COLUMNS, columns - FIGURES_COLUMNS)
    return [fit(label, room) for label in labels]


def _cells(scores: LabelScores, digits: int) -> list[str]:
    return [*(f"{share:.{digits}f}" for share in scores[:3]), str(scores.support)]


def _coverage(rows: Sequence[Coverage], digits: int) -> str:
    """Return what abstaining is worth, as a table."""
    lines = [["min score", "answered", "coverage", "right", "accuracy", "95 % interval"]]
    for row in rows:
        low, high = row.wilson_95 or (None, None)
        lines.append(
            [
                f"{row.min_score:g}",
                str(row.n_answered),
                f"{row.coverage:.{digits}f}",
                str(row.n_right),
                "-" if row.accuracy is None else f"{row.accuracy:.{digits}f}",
                "-" if low is None else f"{low:.{digits}f} to {high:.{digits}f}",
            ]
        )
    return aligned(lines)


def _fit_in_words(fit_or_reason: Fit | str, digits: int) -> str:
    if isinstance(fit_or_reason, str):
        return f"none fits: {fit_or_reason}"
    loss, error = fit_or_reason.log_loss, fit_or_reason.calibration_error
    margin = "\n" + " " * (HEAD_COLUMNS + 1)
    return (
        f"{fit_or_reason.temperature} has the least log loss on these texts. Each half of them"
        f"{margin}over the temperature of the other half:"
        f"{margin}log loss {loss[0]:.{digits}f} -> {loss[1]:.{digits}f}, "
        f"calibration {error[0]:.{digits}f} -> {error[1]:.{digits}f}."
        f"{margin}For --calibrated, write it into the model's config.json:"
        f'{margin}"calibration_temperature": {fit_or_reason.temperature}'
    )


def _matrix(ids: Sequence[int], names: Sequence[str], matrix: list[list[int]], columns: int | None) -> str:
    """Return the confusion matrix as text; ids head the columns if names are too wide."""
    corner = "true \\ predicted"
    heads, rows = list(names), list(names)
    width = max(map(columns_of, [corner, *names])) + sum(GAP + columns_of(name) for name in names)
    if width > (columns or LINE_COLUMNS):
        heads = [str(i) for i in ids]
        rows = [f"{name} {i}" for name, i in zip(names, ids, strict=True)]
    cells = [[str(count) for count in counts] for counts in matrix]
    return aligned(
        [[head, *row] for head, row in zip([corner, *rows], [heads, *cells], strict=True)], columns
    )
