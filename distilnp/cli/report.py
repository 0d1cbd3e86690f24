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


def in_words(evaluation: Evaluation, seconds: float, options: Namespace) -> str:
    """Return the same figures for people, with `options.digits` digits after the decimal point."""
    digits = options.digits
    blocks, lines = _of_kind(evaluation, digits)
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


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Return rows of cells as a table, in columns that are aligned at the right."""
    widths = [max(map(columns_of, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(" " * (width - columns_of(cell)) + cell for cell, width in zip(line, widths, strict=True))
        for line in lines
    )


def _n_seen(evaluation: Evaluation) -> int:
    return evaluation.truncation.n_tokens - evaluation.truncation.n_tokens_not_seen


def _of_kind(evaluation: Evaluation, digits: int) -> tuple[list[str], dict[str, str]]:
    """Return the tables and the lines that only one kind of model has."""
    if isinstance(evaluation, SingleLabelEvaluation):
        return _of_single_label(evaluation, digits)
    if isinstance(evaluation, MultiLabelEvaluation):
        return _of_multi_label(evaluation, digits)
    assert isinstance(evaluation, RegressionEvaluation)
    r = evaluation.pearson_r
    return [], {
        "mean error": f"{evaluation.mean_absolute_error:.{digits}f}, the mean of absolute differences",
        "rms error": f"{evaluation.root_mean_square_error:.{digits}f}, the root of the mean square",
        "Pearson's r": "not defined for equal numbers" if r is None else f"{r:.{digits}f}",
    }


def _of_single_label(evaluation: SingleLabelEvaluation, digits: int) -> tuple[list[str], dict[str, str]]:
    names = [fit(label, None) for label in evaluation.labels]
    ids = evaluation.label_ids
    low, high = evaluation.accuracy_interval
    tables = [
        report_in_words(evaluation.true_ids, evaluation.predicted_ids, ids, names, digits).removesuffix("\n"),
        _matrix(ids, names, evaluation.confusion_matrix.tolist()),
    ]
    return tables, {
        "accuracy": f"{evaluation.n_right}/{evaluation.n_texts} = {evaluation.accuracy:.{digits}f}, "
        f"95 % interval {low:.{digits}f} to {high:.{digits}f}",
        "log loss": f"{evaluation.log_loss:.{digits}f}",
        "calibration": f"{evaluation.calibration_error:.{digits}f} expected calibration error",
    }


def _of_multi_label(evaluation: MultiLabelEvaluation, digits: int) -> tuple[list[str], dict[str, str]]:
    rows = [
        (fit(label, LINE_COLUMNS // 2), *_cells(scores, digits))
        for label, scores in evaluation.per_label.items()
    ]
    low, high = evaluation.exact_match_interval
    return [aligned([("", "precision", "recall", "f1-score", "support"), *rows])], {
        "F1": f"{evaluation.micro_f1:.{digits}f} micro average, "
        f"{evaluation.macro_f1:.{digits}f} macro average",
        "exact match": f"{evaluation.n_right}/{evaluation.n_texts} = {evaluation.exact_match:.{digits}f}, "
        f"95 % interval {low:.{digits}f} to {high:.{digits}f}",
        "log loss": f"{evaluation.log_loss:.{digits}f}",
        "calibration": f"{evaluation.calibration_error:.{digits}f} expected calibration error",
    }


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


def _matrix(ids: Sequence[int], names: Sequence[str], matrix: list[list[int]]) -> str:
    """Return the confusion matrix as text; ids head the columns if names are too wide."""
    corner = "true \\ predicted"
    heads, rows = list(names), list(names)
    if max(map(columns_of, [corner, *names])) + sum(2 + columns_of(name) for name in names) > LINE_COLUMNS:
        heads = [str(i) for i in ids]
        rows = [f"{name} {i}" for name, i in zip(names, ids, strict=True)]
    cells = [[str(count) for count in counts] for counts in matrix]
    return aligned([[head, *row] for head, row in zip([corner, *rows], [heads, *cells], strict=True)])
