"""`distilnp evaluate`: texts with labels in, how good the answers are out.

Of a text nothing is kept but what the report needs: see `report.Tally`.
"""

import io
import json
import os
import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import tee
from typing import NamedTuple

from ..api import Classifier
from ..errors import ArgumentError, DistilnpError, InputFileError
from ..texts import Text
from .labels import LabelIds
from .loading import kinds_of_parts, load_classifier
from .progress import Progress
from .readers import (
    READERS,
    USUAL_LABEL_COLUMNS,
    Columns,
    Lines,
    Row,
    naming_the_line,
    open_lines,
)
from .writers import Writer, csv_writer, jsonl_writer


class Example(NamedTuple):
    """A text, the id of its label, and the line on which it ends."""

    text: Text
    true_id: int
    line: int


def evaluate(options: Namespace) -> None:
    """Run the command with the options of `arguments`."""
    try:  # now: whoever lacks it is not to wait for answers first
        from . import report
    except ImportError as error:
        raise DistilnpError(
            f'evaluate needs scikit-learn, which is not here ({error}): pip install "distilnp[evaluate]"'
        ) from error
    with open_lines(options.file) as lines:
        classifier = load_classifier(options)
        _expect_that_one_label_wins(classifier)
        label_ids = LabelIds(classifier.labels, options.label_map)
        rows = READERS[options.input_format](lines, _columns(options))
        tally = report.Tally()
        with (
            _mistakes(options, classifier) as write,
            Progress(lines, rows_are_seen=False) as progress,
            naming_the_line(lines),
        ):
            examples, asked = tee(progress.watch(_examples(rows, lines, label_ids)))
            predicted_ids = {label: i for i, label in enumerate(classifier.labels)}
            classifier.warmup()
            start = time.perf_counter()
            texts = (example.text for example in asked)
            for prediction in classifier.stream(texts, batch_tokens=options.batch_tokens):
                example = next(examples)
                predicted_id = predicted_ids[prediction.label]
                tally.add(example.true_id, predicted_id, prediction)
                if predicted_id != example.true_id:
                    write(_given(example, classifier), prediction)
                progress.after_row()
            seconds = time.perf_counter() - start
    if not tally.true_ids:
        raise InputFileError(f"{lines.name} has no texts, expected at least one with its label")
    answers = report.Report(tally, classifier.labels, seconds)
    if options.json:
        print(json.dumps(answers.figures(), indent=2))
        return
    if isinstance(sys.stdout, io.TextIOWrapper):  # labels may have what the locale has not
        sys.stdout.reconfigure(errors="backslashreplace")
    print(answers.in_words(options.digits))


def _columns(options: Namespace) -> Columns:
    labels = USUAL_LABEL_COLUMNS if options.label_column is None else (options.label_column,)
    return Columns(options.column, options.pair_column, labels)


def _examples(rows: Iterable[Row], lines: Lines, label_ids: LabelIds) -> Iterator[Example]:
    for row in rows:
        true_id = label_ids.find(row.label)
        if true_id is None:
            raise lines.error(
                f"the label is {row.label!r:.60}, expected one of the model's: {label_ids}. If the file has "
                "other names for them, say which: --label-map VALUE=LABEL"
            )
        yield Example(row.text, true_id, lines.number)


def _expect_that_one_label_wins(classifier: Classifier) -> None:
    if classifier.function_to_apply != "softmax":
        raise ArgumentError(
            f"{classifier.folder} makes scores of logits by {classifier.function_to_apply!r}, expected "
            "'softmax', by which one label wins: multi-label and regression models are measured otherwise. "
            "distilnp classify --all-scores gives their scores"
        )


def _given(example: Example, classifier: Classifier) -> dict[str, object]:
    """Return what stands in front of a wrong prediction."""
    text = {"text": example.text} if isinstance(example.text, str) else example.text
    return {"line": example.line, **text, "true_label": classifier.labels[example.true_id]}


@contextmanager
def _mistakes(options: Namespace, classifier: Classifier) -> Iterator[Writer]:
    """Give what writes a mistake into the file that was asked for, a line at a time."""
    path = options.errors
    if path is None:
        yield lambda *_: None
        return
    source = 0 if options.file == "-" else options.file
    if os.path.exists(path) and os.path.samefile(source, path):  # noqa: PTH110, PTH121 (a descriptor, too)
        raise ArgumentError(f"--errors is {path}, the file of texts, expected another one: it is overwritten")
    try:
        with open(path, "w", 1, encoding="utf-8", errors="backslashreplace", newline="\n") as file:  # noqa: PTH123
            if not path.lower().endswith(".csv"):
                yield jsonl_writer(file, all_scores=False)
                return
            texts = ("text",) if options.pair_column is None else ("text", "text_pair")
            given = ("line", *texts, "true_label")
            parts = kinds_of_parts(classifier)
            yield csv_writer(file, classifier.labels, all_scores=False, given=given, parts=parts)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise DistilnpError(f"{path} cannot be written: {error.strerror}") from error
