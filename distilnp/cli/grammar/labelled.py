"""The arguments of commands that read texts with their labels, and their checks."""

import argparse

from ..formats import INPUT_FORMATS, LINES, SKIP, STOP, USUAL_LABEL_COLUMNS
from .shared import (
    Group,
    add_columns,
    add_input_format,
    expect_different,
    flag,
    quoted,
    settle_input_format,
    settle_long_texts,
)

DEFAULT_DIGITS = 4

# The columns of scikit-learn's report have no room for more.
MAX_DIGITS = 7


def add_labelled(parser: argparse.ArgumentParser) -> None:
    """Add the file, and the options that say where texts and labels are in it."""
    parser.add_argument("file", metavar="FILE", help='texts with their labels; "-" is standard input')
    inputs = parser.add_argument_group("input")
    add_input_format(inputs, [name for name in INPUT_FORMATS if name != LINES])  # lines have no labels
    add_columns(inputs)
    inputs.add_argument(
        "--label-column",
        metavar="NAME",
        help=f"the column or key that holds the label (default: {quoted(USUAL_LABEL_COLUMNS)})",
    )
    inputs.add_argument(
        "--label-map",
        metavar="VALUE=LABEL",
        action="append",
        default=[],
        type=_label_pair,
        help="VALUE in the file means LABEL of the model, such as positive=pos; may be given more than once",
    )
    inputs.add_argument(
        "--on-error",
        choices=(STOP, SKIP),
        default=STOP,
        help="after a row that cannot be used, stop without a report, or skip it; the number of skipped rows "
        "is written to standard error (default: %(default)s)",
    )


def add_digits(outputs: Group) -> None:
    """Add the number of digits."""
    outputs.add_argument(
        "--digits",
        metavar="N",
        type=int,
        choices=range(1, MAX_DIGITS + 1),
        default=DEFAULT_DIGITS,
        help="digits after the decimal point, in text for people (default: %(default)s)",
    )


def settle_labelled(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Check the options, and settle the format of the input."""
    settle_input_format(options, parser)
    expect_different(options, parser, ("column", "pair_column", "label_column"))
    values = [value for value, _ in options.label_map]
    for value in values:
        if values.count(value) > 1:
            parser.error(f"--label-map has {value!r} twice, expected one label of the model for each value")
    settle_long_texts(options, parser)


def expect_a_file(options: argparse.Namespace, parser: argparse.ArgumentParser, *names: str) -> None:
    """End with an error if one of these options is standard output."""
    for name in names:
        if getattr(options, name) == "-":
            parser.error(f"{flag(name)} is '-', expected the name of a file. Standard output has the report")


def _label_pair(argument: str) -> tuple[str, str]:
    value, separator, label = argument.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{argument!r} has no =, expected VALUE=LABEL, such as positive=pos")
    return value, label
