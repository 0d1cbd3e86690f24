"""`distilnp classify`: texts in, answers out, none later than need be.

Which texts is the business of `readers`, how an answer looks that of `writers`.
"""

import io
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, tee

from ..api import Classifier
from ..predictions import Prediction
from ..texts import Text
from .loading import kinds_of_parts, load_classifier
from .progress import Progress
from .readers import READERS, Columns, Lines, naming_the_line, open_lines
from .writers import Writer, csv_writer, jsonl_writer, table_writer


def classify(options: Namespace) -> None:
    """Run the command with the options of `arguments`."""
    if options.texts:
        classifier = load_classifier(options)
        write = _writer(options, classifier)
        for text, prediction in answers(classifier, [options.texts], options.batch_tokens):
            write(text, prediction)
            sys.stdout.flush()
        return
    with open_lines(options.file) as lines:
        classifier = load_classifier(options)
        _say_what_is_awaited(lines)
        write = _writer(options, classifier)
        with Progress(lines, rows_are_seen=sys.stdout.isatty()) as progress, naming_the_line(lines):
            rows = READERS[options.input_format](lines, Columns(options.column, options.pair_column))
            runs = arrivals(progress.watch(row.text for row in rows), lines.ready)
            for text, prediction in answers(classifier, runs, options.batch_tokens):
                progress.before_row()
                write(text, prediction)
                sys.stdout.flush()
                progress.after_row()


def arrivals(texts: Iterator[Text], ready: Callable[[], bool]) -> Iterator[Iterator[Text]]:
    """Part texts into runs that arrived together.

    A run goes on for as long as `ready` says that the next text is already there. So all texts of a file are
    one run; of a pipe that is slower than the model, each is a run of its own; in between, a run is what came
    while the model was at work. A row of CSV counts as there when its first line is. A run has to be used up
    before the next is asked for.
    """

    def run(first: Text) -> Iterator[Text]:
        yield first
        while ready():
            yield from islice(texts, 1)

    for first in texts:
        yield run(first)


def answers(
    classifier: Classifier, runs: Iterable[Iterable[Text]], batch_tokens: int
) -> Iterator[tuple[Text, Prediction]]:
    """Pair each text with its prediction. The end of a run ends a batch, full or not."""
    for run in runs:
        asked, texts = tee(run)
        for prediction in classifier.stream(asked, batch_tokens=batch_tokens):
            yield next(texts), prediction


def _writer(options: Namespace, classifier: Classifier) -> Writer:
    """Make the writer that was asked for, or the one that suits who reads the output."""
    is_terminal = sys.stdout.isatty()
    output_format = options.format or ("table" if is_terminal else "jsonl")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Only half of a surrogate pair cannot be written in UTF-8, and its escape happens to be JSON's.
        encoding = sys.stdout.encoding if output_format == "table" else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace", newline="\n")
    several = classifier.threshold is not None
    if output_format == "jsonl":
        return jsonl_writer(sys.stdout, all_scores=options.all_scores, several=several)
    if output_format == "csv":
        return csv_writer(
            sys.stdout,
            classifier.labels,
            all_scores=options.all_scores,
            several=several,
            given=("text",) if options.pair_column is None else ("text", "text_pair"),
            parts=kinds_of_parts(classifier),
        )
    # https://no-color.org: set, and not empty
    colours = is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return table_writer(sys.stdout, classifier.labels, all_scores=options.all_scores, colours=colours)


def _say_what_is_awaited(lines: Lines) -> None:
    if lines.is_terminal:
        print(
            "distilnp: type texts, one a line, and Ctrl-D at the end; classify --help shows more ways",
            file=sys.stderr,
        )
