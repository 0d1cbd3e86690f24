"""The grammar of `distilnp explain`: its help, its arguments and their checks."""

import argparse

from ..formats import JSONL, TABLE
from .asked import METHODS, add_asked
from .shared import Commands, add_command, add_model, expect_decoded, settle_long_texts

DESCRIPTION = """\
Say which words of a text its label comes from.
"""

EPILOG = f"""\
{METHODS}
output:
  table  for people: the text, with words in blue for the label and in orange
         against it on a terminal, unless NO_COLOR is set; then the words that
         count most
  jsonl  one object per text, with every word, its span of characters and its
         attribution

examples:
  distilnp explain "I really liked that movie!"
  distilnp explain "A dull film." --target POSITIVE --counterfactual
"""


def add(commands: Commands) -> argparse.ArgumentParser:
    """Add the command, and return its parser."""
    parser = add_command(
        commands,
        "explain",
        help="say which words a label comes from",
        description=DESCRIPTION,
        epilog=EPILOG,
    )
    parser.add_argument("texts", metavar="TEXT", nargs="+", help="a text; after --, it may begin with a dash")
    add_asked(parser, "how to find out how much a word counts")
    parser.add_argument(
        "--counterfactual",
        action="store_true",
        help="also find the fewest words without which the label is another one",
    )
    parser.add_argument(
        "--format",
        choices=(TABLE, JSONL),
        help="the format of the answers (default: table on a terminal, jsonl in a file or a pipe)",
    )
    add_model(parser, is_batched=False)
    parser.set_defaults(pair_column=None, threshold=None)
    return parser


def settle(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Check the options."""
    if options.text_pair is not None and len(options.texts) > 1:
        parser.error(f"--text-pair is given with {len(options.texts)} texts, expected one")
    expect_decoded([*options.texts, *filter(None, [options.text_pair])], parser)
    settle_long_texts(options, parser)
