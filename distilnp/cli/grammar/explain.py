"""The grammar of `distilnp explain`: its help, its arguments and their checks."""

import argparse
from typing import get_args

from ...choices import DEFAULT_EXPLAIN_METHOD, ExplainMethod
from ..formats import JSONL, TABLE
from .shared import Commands, add_command, add_model, expect_decoded, settle_long_texts

DESCRIPTION = """\
Say which words of a text its label comes from.
"""

EPILOG = """\
methods:
  leave_one_out         by how much the logit falls without the word
  integrated_gradients  the mean gradient on the way from a text that says
                        nothing; slower, and the words add up
  gradient_x_input      one gradient; fast, and little worth when the model is
                        sure
  attention_rollout     where the model looked, not why
  docs/inside.md measures how far each can be trusted.

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
    parser.add_argument(
        "--text-pair",
        metavar="TEXT",
        help="a second text, which the model reads after the first",
    )
    parser.add_argument(
        "--method",
        metavar="NAME",
        choices=get_args(ExplainMethod),
        default=DEFAULT_EXPLAIN_METHOD,
        help="how to find out how much a word counts (default: %(default)s); see below",
    )
    parser.add_argument(
        "--target", metavar="LABEL", help="the label to explain, or its id (default: the predicted one)"
    )
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
