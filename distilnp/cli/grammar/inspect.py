"""The grammar of `distilnp inspect`: its help, its arguments and their checks."""

import argparse
from typing import get_args

from ...choices import DEFAULT_EXPLAIN_METHOD, ExplainMethod
from .shared import Commands, add_command, add_model, settle_long_texts

DESCRIPTION = """\
Write a page that takes a reader through the model for one text: its tokens,
their vectors, where every head looks, the answer after each layer, and the
words that the answer comes from. Each step is beside its formula and the lines
of code that computed it.
"""

EPILOG = """\
output is one HTML file for any browser. It needs no other file and no network:
a page about 64 tokens has less than 1 MB. A text that the model is given in
several windows or sentences is refused, because each is a pass of its own.

methods, to say which words count; the page has all of them:
  integrated_gradients  the mean slope on the way from a text that says nothing
  leave_one_out         how far the logit falls without the word
  gradient_x_input      slope times vector: the cheapest, and the least reliable
  attention_rollout     where the model looked, which is not why it answered

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
    parser.add_argument(
        "--text-pair", metavar="TEXT", help="a second text, which the model reads after the first"
    )
    outputs = parser.add_argument_group("output")
    outputs.add_argument(
        "-o", "--output", metavar="FILE", required=True, help='the file of the page; "-" is standard output'
    )
    outputs.add_argument(
        "--npz", metavar="FILE", help="write every intermediate of the pass to FILE, for numpy.load"
    )
    outputs.add_argument(
        "--method",
        metavar="METHOD",
        choices=get_args(ExplainMethod),
        default=DEFAULT_EXPLAIN_METHOD,
        help="the method that the page shows first, one of those below (default: %(default)s)",
    )
    outputs.add_argument(
        "--target", metavar="LABEL", help="the label to explain (default: the one that is predicted)"
    )
    add_model(parser)
    parser.set_defaults(threshold=None, pair_column=None)
    return parser


def settle(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Check the options."""
    settle_long_texts(options, parser)
    if options.npz == "-":
        parser.error("--npz is '-', expected the name of a file")
    if options.npz is not None and options.npz == options.output:
        parser.error(f"--output and --npz are both {options.npz!r}, expected two files")
