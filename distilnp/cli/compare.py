"""`distilnp compare`: two models, the same texts with labels, and which model is right more often.

Both models answer the file as it is read, in step, so it may be standard input.
"""

import csv
import json
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import tee
from textwrap import fill

from ..api import Classifier
from ..errors import InputFileError
from ..evaluation.base import Tally, expect_scikit_learn
from ..evaluation.comparison import Comparison, compared, expect_labels
from ..evaluation.run import tally_for
from ..predictions import Prediction
from ..widths import columns_of, fit
from .bad_rows import BadRows
from .examples import Example, read_examples, side_file
from .lines import Lines, naming_the_line, open_lines
from .loading import load_classifier
from .progress import Progress
from .writers import HARMFUL

# The columns of --differences behind those that name the row.
COLUMNS = ("true_label", "right", "label_a", "score_a", "label_b", "score_b")

# The most columns that the name of a model takes: a folder may have a long one.
NAME_COLUMNS = 36

WriteRow = Callable[[Example, Prediction, Prediction], None]


def compare(options: Namespace) -> None:
    """Run the command with the options that `grammar` parsed.

    Raises
    ------
    DistilnpError
        scikit-learn is not installed, or the file of differences cannot be written.
    ArgumentError
        A model has no labels, or an option does not suit a model or the files.
    InputFileError
        The file has no texts, or a row of it cannot be used.
    """
    expect_scikit_learn("compare")  # before anything else: without it, no text needs an answer
    names = (options.model_a, options.model_b)
    with open_lines(options.file) as lines:
        classifiers = [load_classifier(Namespace(**vars(options), model=name)) for name in names]
        for name, classifier in zip(names, classifiers, strict=True):
            expect_labels(name, classifier.function_to_apply)
        tallies = [tally_for(classifier.scoring, dict(options.label_map)) for classifier in classifiers]
        bad_rows = BadRows(options.on_error)
        with naming_the_line(lines), _differences(options, tallies[0]) as write_row:
            watched = bad_rows.watch(read_examples(lines, options, tallies))
            examples = (example for example in watched if example is not None)
            _classify(classifiers, options.batch_tokens, lines, examples, tallies, write_row)
    if not tallies[0].n_texts:
        raise InputFileError(f"{lines.name} has no texts, expected at least one with its label")
    bad_rows.report()
    comparison = compared(names, [tally.evaluation() for tally in tallies])
    print(
        json.dumps(comparison.as_dict(), indent=2) if options.json else _in_words(comparison, options.digits)
    )


def _classify(
    classifiers: list[Classifier],
    batch_tokens: int,
    lines: Lines,
    examples: Iterator[Example],
    tallies: list[Tally],
    write_row: WriteRow,
) -> None:
    """Count every answer in the tallies, and write the rows for which one of them is right."""
    with Progress(lines, rows_are_seen=False) as progress:
        examples, *to_classify = tee(progress.watch(examples), 3)
        answers = (
            classifier.stream((example.text for example in own), batch_tokens=batch_tokens)
            for classifier, own in zip(classifiers, to_classify, strict=True)
        )
        for both in zip(*answers, strict=True):
            example = next(examples)
            right = set()
            for tally, truth, prediction in zip(tallies, example.truths, both, strict=True):
                tally.add(truth, prediction)
                right.add(tally.is_right(truth, prediction))
            if len(right) == 2:
                write_row(example, *both)
            progress.after_row()


@contextmanager
def _differences(options: Namespace, tally: Tally) -> Iterator[WriteRow]:
    """Yield a function that writes one row into the file of --differences, a line at a time."""
    path = options.differences
    if path is None:
        yield lambda *_: None
        return
    with side_file(path, "--differences", options.file) as file:
        is_csv = path.lower().endswith(".csv")
        rows = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        if is_csv:
            texts = ("text",) if options.pair_column is None else ("text", "text_pair")
            rows.writerow(("line", *texts, *COLUMNS))

        def write(example: Example, a: Prediction, b: Prediction) -> None:
            truth = example.truths[0]
            right = "a" if tally.is_right(truth, a) else "b"
            found = (tally.names(truth), right, a.label, a.score, b.label, b.score)
            record = example.columns() | dict(zip(COLUMNS, found, strict=True))
            if not is_csv:
                line = json.dumps(record, ensure_ascii=False)
                file.write(HARMFUL.sub(lambda found: f"\\u{ord(found[0]):04x}", line) + "\n")
                return
            rows.writerow(
                json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value
                for value in record.values()
            )

        yield write


def _in_words(comparison: Comparison, digits: int) -> str:
    """Return the comparison for people."""
    from .report import LINE_COLUMNS, aligned  # it needs scikit-learn

    rows = [["", "right", "share", "only this one is right"]]
    names = [fit(name, NAME_COLUMNS) for name in (comparison.name_a, comparison.name_b)]
    width = max(map(columns_of, names))
    for letter, name, figures, only in zip(
        "AB",
        names,
        (comparison.a, comparison.b),
        (comparison.only_a, comparison.only_b),
        strict=True,
    ):
        padded = name + " " * (width - columns_of(name))
        share = f"{figures.n_right / comparison.n_texts:.{digits}f}"
        rows.append([f"{letter}  {padded}", str(figures.n_right), share, str(len(only))])
    low, high = comparison.difference_interval
    return "\n".join(
        [
            aligned(rows),
            "",
            f"rows        {comparison.n_texts:,}; both are right for {comparison.n_both:,}, neither for "
            f"{comparison.n_neither:,}",
            f"difference  {comparison.difference:+.{digits}f}, 95 % interval {low:+.{digits}f} to "
            f"{high:+.{digits}f}",
            f"McNemar     p = {comparison.p_value:.{digits}g}, exact and two-sided",
            "",
            fill(comparison.sentence, LINE_COLUMNS),
        ]
    )
