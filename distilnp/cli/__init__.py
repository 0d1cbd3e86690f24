"""The command line: `main` runs one command, and decides how the process ends.

`grammar` parses the command line. `classify`, `evaluate`, `info`, `models`, `download`, `verify`, `bundle`
and `convert` are the commands. `lines` and `readers` get texts out of files, `writers` write answers to
standard output, `report` says how good they are, `folders` writes folders, and `progress` is the bar. The
commands classify through `api`, like any other program that imports distilnp.
"""

import os
import signal
import sys
from collections.abc import Sequence

from ..errors import DistilnpError
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
    if sys.stdout is None:
        return _fail("standard output is closed, expected a place for the results")
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
    except OSError as error:  # from writing: reading a file raises errors of ours
        # Without this, Python would try to write the rest again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _fail(f"the results cannot be written: {error.strerror or error}")
    return 0


def _run(arguments: Sequence[str] | None) -> None:
    # Each command is imported when it is run: it imports NumPy, which --help does not need.
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
    """End the process as if the signal had not been caught.

    On Ctrl-C, a loop in a shell stops only if the signal ended the command, not if the command exited with
    130.
    """
    if os.name == "posix":
        signal.signal(code - 128, signal.SIG_DFL)
        signal.raise_signal(code - 128)
    return code
