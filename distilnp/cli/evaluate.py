"""`distilnp evaluate`: texts with labels in, figures on the answers out.

Nothing is kept of a text except what the report needs: see `report.Tally`.
"""

import io
import json
import os
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import tee
from typing import TYPE_CHECKING, NamedTuple

from ..api import Classifier
from ..errors import ArgumentError, DistilnpError, InputFileError
from ..foreign import printable
from ..texts import Text
from .bad_rows import BadRows
from .formats import USUAL_LABEL_COLUMNS
from .labels import LabelIds
from .lines import BadLine, Lines, naming_the_line, open_lines
from .loading import kinds_of_parts, load_classifier
from .progress import Progress
from .readers import Columns, Rows, read_rows
from .writers import Writer, csv_writer, jsonl_writer

if TYPE_CHECKING:
    from .report import Report, Tally


class Example(NamedTuple):
    """A text, the id of its label, and the line on which its row ends."""

    text: Text
    true_id: int
    line: int


def evaluate(options: Namespace) -> None:
    """Run the command with the options that `grammar` parsed.

    Raises
    ------
    DistilnpError
        scikit-learn is not installed, or the file of mistakes cannot be written.
    ArgumentError
        The model does not choose one label, or an option does not suit the model or the files.
    InputFileError
        The file has no texts, or a row of it cannot be used.
    """
    try:  # before anything else: without scikit-learn, no text needs an answer
        from .report import Report, Tally
    except ImportError as error:
        raise DistilnpError(
            f'evaluate needs scikit-learn, which is missing ({error}): pip install "distilnp[evaluate]"'
        ) from error
    with open_lines(options.file) as lines:
        classifier = load_classifier(options)
        _expect_one_winning_label(classifier)
        label_ids = LabelIds(classifier.labels, options.label_map)
        rows = read_rows(
            lines,
            _columns(options),
            file=options.file,
            input_format=options.input_format,
            delimiter=options.delimiter,
        )
        bad_rows = BadRows(options.on_error)
        tally = Tally()
        with naming_the_line(lines), _mistakes(options, classifier) as write_mistake:
            watched = bad_rows.watch(_examples(rows, lines, label_ids))
            examples = (example for example in watched if example is not None)
            seconds = _classify(classifier, options.batch_tokens, lines, examples, tally, write_mistake)
    if not tally.true_ids:
        raise InputFileError(f"{lines.name} has no texts, expected at least one with its label")
    bad_rows.report()
    _print(Report(tally, classifier.labels, seconds), options)


def _classify(
    classifier: Classifier,
    batch_tokens: int,
    lines: Lines,
    examples: Iterator[Example],
    tally: "Tally",
    write_mistake: Writer,
) -> float:
    """Count every answer in the tally, write the wrong ones, and return how many seconds the answers took."""
    predicted_ids = {label: i for i, label in enumerate(classifier.labels)}
    with Progress(lines, rows_are_seen=False) as progress:
        examples, to_classify = tee(progress.watch(examples))
        classifier.warmup()
        start = time.perf_counter()
        texts = (example.text for example in to_classify)
        for prediction in classifier.stream(texts, batch_tokens=batch_tokens):
            example = next(examples)
            predicted_id = predicted_ids[prediction.label]
            tally.add(example.true_id, predicted_id, prediction)
            if predicted_id != example.true_id:
                write_mistake(_input_columns(example, classifier), prediction)
            progress.after_row()
        return time.perf_counter() - start


def _print(report: "Report", options: Namespace) -> None:
    if options.json:
        print(json.dumps(report.figures(), indent=2))
        return
    if isinstance(sys.stdout, io.TextIOWrapper):  # a label may have characters that the locale lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    print(report.in_words(options.digits))


def _columns(options: Namespace) -> Columns:
    labels = USUAL_LABEL_COLUMNS if options.label_column is None else (options.label_column,)
    return Columns(options.column, options.pair_column, labels)


def _examples(rows: Rows, lines: Lines, label_ids: LabelIds) -> Iterator[Example | BadLine]:
    for row in rows:
        if isinstance(row, BadLine):
            yield row
        elif (true_id := label_ids.find(row.label)) is not None:
            yield Example(row.text, true_id, lines.number)
        else:
            yield lines.error(
                f"the label is {row.label!r:.60}, expected one of the model's: {label_ids}. Translate other "
                "names with --label-map VALUE=LABEL"
            )


def _expect_one_winning_label(classifier: Classifier) -> None:
    if classifier.function_to_apply != "softmax":
        raise ArgumentError(
            f"function_to_apply of {classifier.folder} is {classifier.function_to_apply!r}, expected "
            "'softmax', which makes one label win. Multi-label and regression models need other measures; "
            "distilnp classify --all-scores gives their scores"
        )


def _input_columns(example: Example, classifier: Classifier) -> dict[str, object]:
    """Return the columns that come before a wrong prediction."""
    text = {"text": example.text} if isinstance(example.text, str) else example.text
    return {"line": example.line, **text, "true_label": classifier.labels[example.true_id]}


@contextmanager
def _mistakes(options: Namespace, classifier: Classifier) -> Iterator[Writer]:
    """Yield a function that writes one mistake into the file of --errors, a line at a time."""
    path = options.errors
    if path is None:
        yield lambda *_: None
        return
    source = 0 if options.file == "-" else options.file
    if os.path.exists(path) and os.path.samefile(source, path):  # noqa: PTH110, PTH121 (0 is a descriptor)
        raise ArgumentError(
            f"--errors is {printable(path)}, which is the file of texts, expected another file. It would be "
            "overwritten"
        )
    try:
        with open(path, "w", 1, encoding="utf-8", errors="backslashreplace", newline="\n") as file:  # noqa: PTH123
            if not path.lower().endswith(".csv"):
                yield jsonl_writer(file, all_scores=False)
                return
            texts = ("text",) if options.pair_column is None else ("text", "text_pair")
            yield csv_writer(
                file,
                classifier.labels,
                all_scores=False,
                input_columns=("line", *texts, "true_label"),
                kinds_of_parts=kinds_of_parts(classifier),
            )
    except BrokenPipeError:
        raise
    except OSError as error:
        raise DistilnpError(f"{printable(path)} cannot be written: {error.strerror}") from error
