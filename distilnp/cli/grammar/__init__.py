"""The grammar of the command line, and its help: `parse`.

Each command has its prose, its arguments and their checks in one place: `classify`, `evaluate`, `compare`,
`explain`, `inspect`, and `checkpoints` for the commands that classify nothing. `shared` has what several of
them use, `labelled` what only those use that read labels, and `asked` what those use that explain.

A command line that is wrong by itself ends here, as argparse ends it: usage, message, exit code 2. Whether a
value suits the model is checked later, by the model. Nothing is imported that would slow `--help` down.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from ...foreign import printable
from ...version import __version__
from . import checkpoints, classify, compare, evaluate, explain, inspect

DESCRIPTION = "DistilBERT text classification on a CPU."

EPILOG = """\
exit codes, as a shell shows them:
  0    every text got its answer
  1    an error, reported on standard error; the texts before it got theirs
  2    a wrong command line
  130  interrupted by Ctrl-C
  141  the reader of the output stopped early, as `head` does; no message
"""


class _Parser(argparse.ArgumentParser):
    """A parser that reports an output that cannot be written, and quotes arguments so that they do no harm.

    argparse is silent about the output, and an argument may be a stranger's name of a file.
    """

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is sys.stdout:
            file.write(message)
        else:
            super()._print_message(message, file)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse and check a command line, and settle what it leaves open, such as `input_format`.

    Parameters
    ----------
    arguments : sequence of str, optional
        The command line; by default that of the process.

    Returns
    -------
    argparse.Namespace
        The name of the command, in `command`, and its options.

    Raises
    ------
    SystemExit
        With 2, after a message on standard error: the command line is wrong. With 0: it was --help or
        --version.
    """
    # An abbreviated option in a script would break on the day another option begins with the same letters.
    parser: argparse.ArgumentParser = _Parser(
        "distilnp", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--version", action="version", version=f"distilnp {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    classify_parser = classify.add(commands)
    evaluate_parser = evaluate.add(commands)
    compare_parser = compare.add(commands)
    explain_parser = explain.add(commands)
    inspect_parser = inspect.add(commands)
    checkpoints.add(commands)
    options = parser.parse_args(arguments)
    if options.command == "classify":
        classify.settle(options, classify_parser)
    elif options.command == "evaluate":
        evaluate.settle(options, evaluate_parser)
    elif options.command == "compare":
        compare.settle(options, compare_parser)
    elif options.command == "explain":
        explain.settle(options, explain_parser)
    elif options.command == "inspect":
        inspect.settle(options, inspect_parser)
    return options
