"""Where the answers of `distilnp classify` go: to standard output one by one, or into a file.

`writers` and `parquet_output` say how an answer looks, `output_file` what becomes of a run that is cut off.
"""

import io
import os
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from ..api import Classifier
from ..errors import ArgumentError, DistilnpError
from ..foreign import printable, shown
from ..predictions import Prediction
from ..version import __version__
from .columns import Kept
from .files import state_of
from .formats import JSONL, PARQUET, TABLE
from .loading import kinds_of_parts
from .output_file import Finish, OutputFile
from .standard_output import settle_look
from .writers import Classified, Writer, csv_writer, jsonl_writer, prediction_columns, table_writer

# The options that decide what the answers are, besides those that are part of the fingerprint.
SETTINGS = (
    "format",
    "all_scores",
    "keep",
    "prefix",
    "whole_files",
    "column",
    "pair_column",
    "input_format",
    "delimiter",
    "on_error",
)

# What `Classifier.describe` calls the kernels of the reference pass.
REFERENCE = "NumPy"

# Answers that are gathered before they go to the file.
BUFFER_CHARACTERS = 1 << 20

# A message shows so much of a name.
SHOWN = 60


class Answers:
    """Take answers.

    Attributes
    ----------
    is_seen : bool
        Whether each answer is also written to a terminal.
    n_to_skip : int
        The rows of the input that an earlier run has answered.
    """

    def __init__(
        self, write: Writer, row_done: Callable[[], None], *, is_seen: bool = False, n_to_skip: int = 0
    ) -> None:
        self.write = write
        self.row_done = row_done
        self.is_seen = is_seen
        self.n_to_skip = n_to_skip


def _prediction_settings(options: Namespace, classifier: Classifier) -> tuple[Any, ...]:
    is_multi_label = classifier.threshold is not None
    return classifier.labels, options.all_scores, is_multi_label, kinds_of_parts(classifier)


def check_output(options: Namespace) -> None:
    """Look, before anything else is done, at what a run would otherwise find out at its end.

    Raises
    ------
    ArgumentError
        The output is a folder or an input, or its folder is not there.
    DistilnpError
        The package that writes Parquet is not installed.
    """
    if options.output is None:
        return
    path = Path(options.output)
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise ArgumentError(
            f"--output is {printable(path)}, expected the name of a file in a folder that is there"
        )
    for file in options.file or ():
        if os.path.exists(file) and path.exists() and path.samefile(file):  # noqa: PTH110 (it may be a URL)
            raise ArgumentError(
                f"--output is {printable(path)}, which is a file of texts, expected another file. It would "
                "be overwritten"
            )
    if options.format == PARQUET:
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise DistilnpError(
                f"--output is a Parquet file, and the package that writes it is not installed ({error}). "
                "Install it: "
                'pip install "distilnp[tables]"'
            ) from error


@contextmanager
def answers_out(options: Namespace, classifier: Classifier, kept: Kept | None) -> Iterator[Answers]:
    """Yield what takes the answers. A file gets its name at the end, unless an error comes.

    Raises
    ------
    ArgumentError
        Two columns would have one name, or the file cannot be written or continued.
    """
    predicted = prediction_columns(*_prediction_settings(options, classifier))
    names = [f"{options.prefix}{name}" for name in predicted]
    _expect_different_names([*_input_columns(options, kept), *names])
    if options.output is None:
        write = _to_terminal_or_pipe(options, classifier, kept)
        yield Answers(write, sys.stdout.flush, is_seen=sys.stdout.isatty())
    else:
        yield from _into_file(options, classifier, kept)


def _into_file(options: Namespace, classifier: Classifier, kept: Kept | None) -> Iterator[Answers]:
    output = OutputFile(Path(options.output), _run(options, classifier), resume=options.resume)
    if output.is_complete:
        _say(f"{printable(options.output)} is complete already")
        yield Answers(lambda *_: None, lambda: None, n_to_skip=sys.maxsize)
        return
    n_rows = output.n_rows
    if n_rows:
        _say(f"rows that an earlier run has answered: {n_rows:,}. This one goes on after them")
    write, flush, finish = _file_writer(output, options, classifier, kept)

    def row_done() -> None:
        nonlocal n_rows
        n_rows += 1
        output.commit_if_due(flush, n_rows)

    try:
        yield Answers(write, row_done, n_to_skip=n_rows)
        output.commit(flush, n_rows)
        output.finish(finish)
    except KeyboardInterrupt:
        if output.can_be_resumed:
            _say(f"rows whose answers are on the disk: {output.n_rows:,}. --resume goes on after them")
        raise
    except DistilnpError:
        # It came between two rows, so that the rows before it are whole. Ctrl-C may come in the middle of
        # one.
        with suppress(DistilnpError):
            output.commit(flush, n_rows)
            if output.can_be_resumed:
                _say(f"rows that are answered: {n_rows:,}. --resume goes on after them")
        raise
    finally:
        output.close()


def _file_writer(
    output: OutputFile, options: Namespace, classifier: Classifier, kept: Kept | None
) -> tuple[Writer, Callable[[], None], Finish | None]:
    """Return what writes an answer, what appends the gathered ones to the file, and what makes the file."""
    if options.format == PARQUET:
        # Imported for Parquet alone.
        from .parquet_output import ParquetOutput, finish

        parquet = ParquetOutput(
            output.file,
            _input_columns(options, kept),
            None if kept is None else kept.schema,
            prediction_columns(*_prediction_settings(options, classifier)),
            options.prefix,
        )
        return parquet.write, parquet.flush, partial(finish, schema=parquet.schema)
    buffer = io.StringIO(newline="")
    write_text = _text_writer(buffer, options, classifier, kept, has_header=output.file.tell() == 0)

    def flush() -> None:
        # UTF-8 can write everything except half of a surrogate pair, and Python's escape for that is JSON's.
        output.file.write(buffer.getvalue().encode("utf-8", "backslashreplace"))
        buffer.seek(0)
        buffer.truncate()

    def write(text: Classified, prediction: Prediction | None) -> None:
        write_text(text, prediction)
        if buffer.tell() > BUFFER_CHARACTERS:
            flush()

    return write, flush, None


def _to_terminal_or_pipe(options: Namespace, classifier: Classifier, kept: Kept | None) -> Writer:
    """Return the writer of the chosen format; by default, a table for people and JSON lines for programs."""
    look = settle_look(options.format)
    if look.format != TABLE:
        options.format = look.format
        return _text_writer(sys.stdout, options, classifier, kept, has_header=True)
    return table_writer(
        sys.stdout, classifier.labels, all_scores=options.all_scores, colours=look.has_colours
    )


def _text_writer(
    stream: TextIO, options: Namespace, classifier: Classifier, kept: Kept | None, *, has_header: bool
) -> Writer:
    labels, *settings = _prediction_settings(options, classifier)
    if options.format == JSONL:
        return jsonl_writer(stream, *settings[:2], prefix=options.prefix)
    return csv_writer(
        stream,
        labels,
        *settings,
        input_columns=_input_columns(options, kept),
        prefix=options.prefix,
        has_header=has_header,
    )


def _input_columns(options: Namespace, kept: Kept | None) -> tuple[str, ...]:
    if kept is not None:
        return kept.names
    return ("text",) if options.pair_column is None else ("text", "text_pair")


def _expect_different_names(names: list[str]) -> None:
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise ArgumentError(
            f"two columns of the output would be called {shown(twice[0], SHOWN)}, expected names that "
            "differ. Give a prefix for the columns of the prediction: --prefix predicted_"
        )


def _run(options: Namespace, classifier: Classifier) -> dict[str, object] | None:
    """Return what the answers depend on, in the words of messages; None if the texts cannot be read again."""
    if options.file is None or "-" in options.file:
        return None
    run: dict[str, object] = {
        "distilnp": __version__,
        "the model with the fingerprint": classifier.fingerprint,
        "--files": options.file,
    }
    run |= {f"--{name.replace('_', '-')}": getattr(options, name) for name in SETTINGS}
    if classifier.engine.kernels == REFERENCE:  # a sum of its BLAS depends on the number of threads
        run |= {"kernels": REFERENCE, "--threads": classifier.engine.threads}
    return run | {f"the file {name} of": state_of(name) for name in options.file}


def _say(message: str) -> None:
    if sys.stderr is not None:
        print(f"distilnp: {message}", file=sys.stderr)
