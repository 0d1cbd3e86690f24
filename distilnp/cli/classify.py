"""`distilnp classify`: texts in, answers out, each as early as possible.

`readers` say which texts there are, and `writers` how an answer looks.
"""

import io
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice, tee
from typing import TypeVar

from ..api import Classifier
from ..foreign import printable
from ..predictions import Prediction
from ..texts import Text
from .bad_rows import BadRows
from .formats import SKIP
from .lines import Lines, naming_the_line, open_lines
from .loading import kinds_of_parts, load_classifier
from .progress import Progress
from .readers import Columns, read_rows
from .writers import Classified, Writer, csv_writer, jsonl_writer, table_writer

T = TypeVar("T")


def classify(options: Namespace) -> None:
    """Run the command with the options that `grammar` parsed."""
    if options.texts:
        _hint_at_files(options.texts)
        classifier = load_classifier(options)
        write = _writer(options, classifier)
        for text, prediction in answers(classifier, [options.texts], options.batch_tokens):
            write(_columns(text, options), prediction)
            sys.stdout.flush()
        return
    with open_lines(options.file) as lines:
        classifier = load_classifier(options)
        _prompt(lines)
        bad_rows = BadRows(options.on_error)
        rows = bad_rows.watch(
            read_rows(
                lines,
                Columns(options.column, options.pair_column),
                file=options.file,
                input_format=options.input_format,
                delimiter=options.delimiter,
            )
        )
        # An error about the file itself comes before the header line of CSV is written.
        rows = chain(list(islice(rows, 1)), rows)
        write = _writer(options, classifier)
        with Progress(lines, rows_are_seen=sys.stdout.isatty()) as progress, naming_the_line(lines):
            texts = (None if row is None else row.text for row in rows)
            runs = arrivals(progress.watch(texts), lines.ready)
            for text, prediction in answers(classifier, runs, options.batch_tokens):
                progress.before_row()
                if prediction is not None or options.on_error != SKIP:
                    write(_columns(text, options), prediction)
                    sys.stdout.flush()
                progress.after_row()
        bad_rows.report()


def arrivals(texts: Iterator[T], ready: Callable[[], bool]) -> Iterator[Iterator[T]]:
    """Split texts into runs that arrived together.

    A run continues as long as `ready` says that the next text has arrived. All texts of a file are one run.
    Each text of a pipe that is slower than the model is a run of its own; a faster pipe gives runs of the
    texts that arrived while the model was computing. A row of CSV counts as arrived when its first line has.
    A run must be used up before the next one is asked for.
    """

    def run(first: T) -> Iterator[T]:
        yield first
        while ready():
            yield from islice(texts, 1)

    for first in texts:
        yield run(first)


def answers(
    classifier: Classifier, runs: Iterable[Iterable[Text | None]], batch_tokens: int
) -> Iterator[tuple[Text | None, Prediction | None]]:
    """Pair each text with its prediction, and None with None, in their order.

    The end of a run ends a batch, even if the batch is not full.
    """
    for run in runs:
        to_classify, texts = tee(run)
        only_texts = (text for text in to_classify if text is not None)
        for prediction in classifier.stream(only_texts, batch_tokens=batch_tokens):
            while (text := next(texts)) is None:
                yield None, None
            yield text, prediction
        yield from ((None, None) for _ in texts)


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


def _columns(text: Text | None, options: Namespace) -> Classified:
    """Return the columns that come before an answer, which are null for a row that cannot be used."""
    if text is not None:
        return text
    return {"text": None} if options.pair_column is None else {"text": None, "text_pair": None}


def _hint_at_files(texts: Sequence[str]) -> None:
    """Say what to type, to a person who gave the name of a file as a text."""
    files = [text for text in texts if _is_file(text)]
    if files and sys.stderr is not None:
        more = f", and so are {len(files) - 1} more" if len(files) > 1 else ""
        name = printable(files[0])
        print(
            f"distilnp: {name} is a file here{more}. Its name is the text. To classify the texts in it, give "
            f"--file {name}",
            file=sys.stderr,
        )


def _is_file(text: str) -> bool:
    try:
        return os.path.isfile(text)  # noqa: PTH113 (pathlib takes 3 ms)
    except ValueError:  # a NUL
        return False


def _prompt(lines: Lines) -> None:
    """Tell the person at a terminal what to type."""
    if lines.is_terminal:
        print(
            "distilnp: type texts, one per line, and Ctrl-D at the end; see classify --help for other ways",
            file=sys.stderr,
        )
