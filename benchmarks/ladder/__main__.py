"""Climb a ladder: check the rungs, time them, print a table.

python -m benchmarks.ladder [product | attention | padding] [--quick]
python -m benchmarks.ladder --assembly "six sums"
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from . import assembly, climb_attention, climb_padding, climb_product
from .rungs import RUNGS
from .timing import FULL, QUICK

PICTURE = Path(__file__).parents[2] / "docs" / "ladder.svg"

# The first rung is Python.
COMPILED = {rung.name: rung.module for rung in RUNGS[1:]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Climb what was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ladder", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "ladder",
        nargs="?",
        choices=("product", "attention", "padding"),
        default="product",
        help="default: product",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="small sizes, timed once, in some ten seconds; no basis for a claim",
    )
    parser.add_argument(
        "--picture",
        type=Path,
        metavar="SVG",
        help="where the picture of the product is written (default: docs/ladder.svg; with --quick, nowhere)",
    )
    parser.add_argument(
        "--assembly", choices=COMPILED, metavar="RUNG", help="only show the inner loop of a compiled rung"
    )
    chosen = parser.parse_args(arguments)
    if chosen.assembly:
        print(assembly.hot_loop(COMPILED[chosen.assembly]))
        return 0
    effort = QUICK if chosen.quick else FULL
    if chosen.ladder == "product":
        path = chosen.picture or (None if chosen.quick else PICTURE)
        print(climb_product.climb(climb_product.QUICK if chosen.quick else climb_product.FULL, effort, path))
    elif chosen.ladder == "attention":
        print(climb_attention.climb(climb_attention.QUICK if chosen.quick else climb_attention.FULL, effort))
    else:
        print(climb_padding.climb(climb_padding.QUICK if chosen.quick else climb_padding.FULL, effort))
    return 0


if __name__ == "__main__":
    sys.exit(main())
