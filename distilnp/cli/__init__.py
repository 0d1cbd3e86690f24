"""The command line, and how it ends: `main`.

`arguments` is its grammar; `classify`, `evaluate`, `info`, `models`, `download`, `verify`, `bundle` and
`convert` are its commands; `readers` get texts out of files, `writers` put answers on standard output,
`report` says how good they are, `folders` write folders, `progress` is the bar. What a model says is decided
elsewhere, by what `api` offers to everyone.
"""

import os
import signal
import sys
from collections.abc import Sequence

from ..errors import DistilnpError
from .arguments import parse

__all__ = ["main"]

# What a shell shows for a process that SIGINT (2) or SIGPIPE (13) has ended.
INTERRUPTED = 128 + 2
CLOSED_PIPE = 128 + 13


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those that the process was started with.

    Returns
    -------
    int
        The exit code: 0, or 1 after a message on standard error. A wrong command line raises
        `SystemExit(2)`, as argparse does. Ctrl-C, and a reader of the output that has gone away, end the
        process by their signals.
    """
    if sys.stdout is None:
        return _fail("standard output is closed, expected a place for the results")
    try:
        try:
            _run(arguments)
        finally:
            # Python itself would do it too late for an error to have a good end.
            sys.stdout.flush()
    except KeyboardInterrupt:
        return _end_by_signal(INTERRUPTED)
    except BrokenPipeError:
        return _end_by_signal(CLOSED_PIPE)
    except DistilnpError as error:
        return _fail(str(error))
    except OSError as error:  # files that are read have errors of their own: this one was written
        # What could not be written must not be tried again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _fail(f"the results cannot be written: {error.strerror or error}")
    return 0


def _run(arguments: Sequence[str] | None) -> None:
    # The commands are imported when they are run: they bring NumPy, which --help need not wait for.
    options = parse(arguments)
    if options.command == "classify":
        from .classify import classify as run
    elif options.command == "evaluate":
        from .evaluate import evaluate as run
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
    print(f"distilnp: error: {message}", file=sys.stderr)
    return 1


def _end_by_signal(code: int) -> int:
    """End as if the signal had not been caught.

    A shell's loop stops on Ctrl-C only if the command that it runs was ended by it, not if it exits with 130.
    """
    if os.name == "posix":
        signal.signal(code - 128, signal.SIG_DFL)
        signal.raise_signal(code - 128)
    return code
