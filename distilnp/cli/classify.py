"""`distilnp classify`: texts in, answers out, each as early as possible.

`readers` say which texts there are, `answers_out` where an answer goes.
"""

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain, islice, tee
from typing import NamedTuple, TypeVar

from ..api import Classifier
from ..errors import InputFileError
from ..foreign import printable
from ..predictions import Prediction
from ..texts import Text
from .answers_out import Answers, answers_out, check_output
from .bad_rows import BadRows
from .columns import Columns, Kept, Row, Rows
from .files import check_files
from .formats import FILE_COLUMN, SKIP, TEXT_COLUMN, WHOLE_FILE_COLUMNS
from .lines import BadLine, Lines, naming_the_line, open_lines
from .loading import load_classifier
from .progress import Progress
from .readers import read_rows
from .recognition import expect_text
from .writers import Classified

T = TypeVar("T")


class Input(NamedTuple):
    """A text, None for a row without one, and the columns of its row that are kept."""

    text: Text | None
    kept: Mapping[str, object] | None = None


def classify(options: Namespace) -> None:
    """Run the command with the options that `grammar` parsed."""
    check_output(options)
    if options.texts:
        _hint_at_files(options.texts)
        classifier = load_classifier(options)
        with answers_out(options, classifier, None) as out:
            _answer(classifier, [map(Input, options.texts)], options, out)
        return
    files = options.file or [None]
    check_files(files)
    kept = _kept(options)
    bad_rows = BadRows(options.on_error, missing_is_null=True)
    with ExitStack() as stack:
        loaded: Classifier | None = None
        into: Answers | None = None
        for file in files:
            with open_lines(file) as lines:
                if loaded is None:
                    loaded = load_classifier(options)
                    _prompt(lines)
                inputs = _inputs(_rows(lines, file, options, kept), bad_rows, kept)
                # An error about the file itself comes before anything is written.
                inputs = chain(list(islice(inputs, 1)), inputs)
                into = into or stack.enter_context(answers_out(options, loaded, kept))
                with Progress(lines, rows_are_seen=into.is_seen) as progress, naming_the_line(lines):
                    for _ in islice(inputs, into.n_to_skip):  # an earlier run has answered these
                        into.n_to_skip -= 1
                    runs = arrivals(progress.watch(inputs), lines.ready)
                    _answer(loaded, runs, options, into, progress)
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
    classifier: Classifier, runs: Iterable[Iterable[Input]], batch_tokens: int
) -> Iterator[tuple[Input, Prediction | None]]:
    """Pair each input with its prediction, or with None if it has no text, in their order.

    The end of a run ends a batch, even if the batch is not full.
    """
    for run in runs:
        to_classify, inputs = tee(run)
        texts = (each.text for each in to_classify if each.text is not None)
        for prediction in classifier.stream(texts, batch_tokens=batch_tokens):
            while (one := next(inputs)).text is None:
                yield one, None
            yield one, prediction
        yield from ((one, None) for one in inputs)


def _answer(
    classifier: Classifier,
    runs: Iterable[Iterable[Input]],
    options: Namespace,
    out: Answers,
    progress: Progress | None = None,
) -> None:
    for one, prediction in answers(classifier, runs, options.batch_tokens):
        if progress is not None:
            progress.before_row()
        if prediction is not None or options.on_error != SKIP:
            out.write(_columns(one, options), prediction)
        out.row_done()
        if progress is not None:
            progress.after_row()


def _kept(options: Namespace) -> Kept | None:
    """Return the columns that stand beside an answer; None for its text alone."""
    if options.whole_files:
        return Kept(tuple(options.keep or WHOLE_FILE_COLUMNS))
    return None if options.keep is None else Kept(tuple(options.keep) or None)


def _rows(lines: Lines, file: str | None, options: Namespace, kept: Kept | None) -> Rows:
    if options.whole_files:
        return _whole_file(lines, file or "-", kept)
    return read_rows(
        lines,
        Columns(options.column, options.pair_column, kept=kept),
        file=file,
        input_format=options.input_format,
        delimiter=options.delimiter,
    )


def _whole_file(lines: Lines, name: str, kept: Kept | None) -> Rows:
    """Return the row that a file is if all of it is one text."""
    assert kept is not None
    kept.settle(lines, list(WHOLE_FILE_COLUMNS))
    try:
        expect_text(lines)
        text = lines.all()
    except InputFileError as error:
        bad = BadLine(str(error))
        bad.kept = kept.of({FILE_COLUMN: name})
        yield bad
    else:
        yield Row(text, None, kept.of({FILE_COLUMN: name, TEXT_COLUMN: text}))


def _inputs(rows: Rows, bad_rows: BadRows, kept: Kept | None) -> Iterator[Input]:
    for row in rows:
        if isinstance(row, BadLine):
            bad_rows.count(row)
            if kept is not None and not kept.names:
                raise InputFileError(
                    f"{row}. It is the first row, which has to show the columns. Name those to keep: --keep "
                    "NAME"
                ) from row
            yield Input(None, kept.of({}) if row.kept is None and kept is not None else row.kept)
        else:
            yield Input(row.text, row.kept)


def _columns(one: Input, options: Namespace) -> Classified:
    """Return the columns that come before an answer, which are null for a row that cannot be used."""
    if one.kept is not None:
        return one.kept
    if one.text is not None:
        return one.text
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
