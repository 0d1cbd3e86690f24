"""The grammar of `distilnp inspect`: its help, its arguments and their checks."""

import argparse

from .asked import METHODS, add_asked
from .shared import Commands, add_command, add_model, expect_decoded, settle_long_texts

DESCRIPTION = """\
Write a page that takes a reader through the model for one text: its tokens,
their vectors, where every head looks, the answer after each layer, and the
words that the answer comes from. Each step is beside its formula and the lines
of code that computed it.
"""

EPILOG = f"""\
output is one HTML file for any browser. It needs no other file and no network:
a page about 64 tokens has less than 1 MB. A text that the model is given in
several windows or sentences is refused, because each is a pass of its own.

{METHODS}
examples:
  distilnp inspect "What a joy." -o page.html
  distilnp inspect "What a joy." -o - --npz trace.npz > page.html
"""


def add(commands: Commands) -> argparse.ArgumentParser:
    """Add the command, and return its parser."""
    parser = add_command(
        commands,
        "inspect",
        help="write a page about what the model does with one text",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    parser.add_argument("text", metavar="TEXT", help="the text; after --, it may begin with a dash")
    outputs = parser.add_argument_group("output")
    outputs.add_argument(
        "-o", "--output", metavar="FILE", required=True, help='the file of the page; "-" is standard output'
    )
    outputs.add_argument(
        "--npz", metavar="FILE", help="write every intermediate of the pass to FILE, for numpy.load"
    )
    add_asked(parser, "the method that the page shows first; it has all of them")
    add_model(parser, is_batched=False)
    parser.set_defaults(threshold=None, pair_column=None)
    return parser


def settle(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Check the options."""
    expect_decoded([options.text, *filter(None, [options.text_pair])], parser)
    settle_long_texts(options, parser)
    if options.npz == "-":
        parser.error("--npz is '-', expected the name of a file")
    if options.npz is not None and options.npz == options.output:
        parser.error(f"--output and --npz are both {options.npz!r}, expected two files")
