"""`distilnp classify`: texts in, answers out, each as early as possible.

`readers` say which texts there are, and `writers` how an answer looks.
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
from .lines import Lines, naming_the_line, open_lines
from .loading import kinds_of_parts, load_classifier
from .progress import Progress
from .readers import READERS, Columns
from .writers import Writer, csv_writer, jsonl_writer, table_writer


def classify(options: Namespace) -> None:
    """Run the command with the options that `grammar` parsed."""
    if options.texts:
        classifier = load_classifier(options)
        write = _writer(options, classifier)
        for text, prediction in answers(classifier, [options.texts], options.batch_tokens):
            write(text, prediction)
            sys.stdout.flush()
        return
    with open_lines(options.file) as lines:
        classifier = load_classifier(options)
        _prompt(lines)
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
    """Split texts into runs that arrived together.

    A run continues as long as `ready` says that the next text has arrived. All texts of a file are one run.
    Each text of a pipe that is slower than the model is a run of its own; a faster pipe gives runs of the
    texts that arrived while the model was computing. A row of CSV counts as arrived when its first line has.
    A run must be used up before the next one is asked for.
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
    """Pair each text with its prediction. The end of a run ends a batch, even if the batch is not full."""
    for run in runs:
        to_classify, texts = tee(run)
        for prediction in classifier.stream(to_classify, batch_tokens=batch_tokens):
            yield next(texts), prediction


def _writer(options: Namespace, classifier: Classifier) -> Writer:
    """Return the writer of the chosen format; by default, a table for people and JSON lines for programs."""
    is_terminal = sys.stdout.isatty()
    output_format = options.format or ("table" if is_terminal else "jsonl")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # UTF-8 can write everything except half of a surrogate pair, and Python's escape for that is JSON's.
        encoding = sys.stdout.encoding if output_format == "table" else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace", newline="\n")
    multi_label = classifier.threshold is not None
    if output_format == "jsonl":
        return jsonl_writer(sys.stdout, all_scores=options.all_scores, multi_label=multi_label)
    if output_format == "csv":
        return csv_writer(
            sys.stdout,
            classifier.labels,
            all_scores=options.all_scores,
            multi_label=multi_label,
            input_columns=("text",) if options.pair_column is None else ("text", "text_pair"),
            kinds_of_parts=kinds_of_parts(classifier),
        )
    # https://no-color.org: set, and not empty
    colours = is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return table_writer(sys.stdout, classifier.labels, all_scores=options.all_scores, colours=colours)


def _prompt(lines: Lines) -> None:
    """Tell the person at a terminal what to type."""
    if lines.is_terminal:
        print(
            "distilnp: type texts, one per line, and Ctrl-D at the end; see classify --help for other ways",
            file=sys.stderr,
        )
