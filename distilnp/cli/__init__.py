"""The command line: `main` runs one command, and decides how the process ends.

`grammar` parses the command line. `classify`, `evaluate`, `compare`, `explain`, `inspect`, `info`, `models`,
`download`, `verify`, `bundle` and `convert` are the commands. `lines` and `readers` get texts out of files;
`recognition` says which format a file has, `bad_rows` what becomes of rows that cannot be used, and
`examples` what labels mean. `standard_output` settles how answers look, `writers` write them, `report` says
how good they are, `folders` writes folders, `failures` puts the system's errors into words, and `progress` is
the bar. The commands classify through `api`, like any other program that imports distilnp.
"""

import io
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

from ..errors import DistilnpError
from ..foreign import printable_lines
from .failures import FOREIGN_ERRORS, in_words
from .grammar import parse

__all__ = ["main"]

# The exit codes that a shell shows for a process ended by SIGINT (2) or SIGPIPE (13).
INTERRUPTED = 128 + 2
CLOSED_PIPE = 128 + 13


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        The command line; by default that of the process.

    Returns
    -------
    int
        The exit code: 0, or 1 after a message on standard error. Ctrl-C ends the process by its signal, and
        so does a reader that has closed the output.

    Raises
    ------
    SystemExit
        With 2, as argparse does: the command line is wrong. With 0: it was --help or --version.
    """
    if sys.stderr is None:  # print and argparse would write messages to standard output instead
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123 (for the rest of the process)
    if sys.stdout is None:
        return _fail("standard output is closed, expected a place for the results")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A label or the name of a folder may have characters that the locale lacks.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            _run(arguments)
        finally:
            # Python would flush it at exit, too late to report an error properly.
            sys.stdout.flush()
    except KeyboardInterrupt:
        return _end_by_signal(INTERRUPTED)
    except BrokenPipeError:
        return _end_by_signal(CLOSED_PIPE)
    except DistilnpError as error:
        return _fail(str(error))
    except FOREIGN_ERRORS as error:
        # The frames hold what filled the memory, which the message needs a little of.
        message = in_words(error.with_traceback(None))
        _drop_unwritten(sys.stdout)
        return _fail(message)
    finally:
        _drop_unwritten(sys.stderr)
    return 0


def _run(arguments: Sequence[str] | None) -> None:
    # Each command is imported when it is run: it imports NumPy, which --help does not need.
    options = parse(arguments)
    if options.command == "classify":
        from .classify import classify as run
    elif options.command == "evaluate":
        from .evaluate import evaluate as run
    elif options.command == "compare":
        from .compare import compare as run
    elif options.command == "explain":
        from .explain import explain as run
    elif options.command == "inspect":
        from .inspect import inspect as run
    elif options.command == "info":
        from .info import info as run
    elif options.command == "convert":
        from .convert import convert as run
    elif options.command == "models":
        from .models import models as run
    elif options.command == "download":
        from .download import download as run
    elif options.command == "verify":
        from .verify import verify as run
    else:
        from .bundle import bundle as run
    run(options)


def _fail(message: str) -> int:
    with suppress(OSError, ValueError):  # nobody may be listening; the exit code still says it
        print(f"distilnp: error: {printable_lines(message)}", file=sys.stderr)
    return 1


def _drop_unwritten(stream: TextIO) -> None:
    """Drop the output that could not be written. Python would try again at exit, and exit with 120."""
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError, AttributeError):  # not every stream has a number
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _end_by_signal(code: int) -> int:
    """End the process as if the signal had not been caught.

    On Ctrl-C, a loop in a shell stops only if the signal ended the command, not if the command exited with
    130.
    """
    if os.name == "posix":
        signal.signal(code - 128, signal.SIG_DFL)
        signal.raise_signal(code - 128)
    return code
