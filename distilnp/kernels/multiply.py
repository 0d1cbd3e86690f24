"""The inner part of a product: some rows times some panels, tile after tile.

The tile is that of the target (`tiles`). It decides the speed, and never a bit. In float32, each sum starts
at 0 and takes one FMA per term, in the order of k, in a tile of any form. In int8, every sum is exact.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from .jit import inlined
from .tiles import LANES, Tile
from .words.memory import advance
from .words.tiles import multiply_tile


@cache
def multiplier(tile: Tile) -> Callable[..., Any]:
    """Return `multiply` for tiles of this form, and of the one that it has for few rows."""
    of_one_form = multiplier_of_one_form(tile)
    if tile.for_few_rows is None:
        return of_one_form
    few_rows, of_few_rows = tile.for_few_rows.rows, multiplier_of_one_form(tile.for_few_rows)

    @inlined
    def multiply(
        m, k, n_panels, a, a_row, a_k, b, b_row, b_panel, ahead, ahead_panel, ahead_bytes, c, c_row, adds
    ):
        """Compute c[m, 16 n_panels] (+)= a[m, k] @ b[k, 16 n_panels] in tiles of one of two forms."""
        # fmt: off
        if m <= few_rows:
            of_few_rows(m, k, n_panels, a, a_row, a_k, b, b_row, b_panel, ahead, ahead_panel, ahead_bytes, c,
                        c_row, adds)
        else:
            of_one_form(m, k, n_panels, a, a_row, a_k, b, b_row, b_panel, ahead, ahead_panel, ahead_bytes, c,
                        c_row, adds)
        # fmt: on

    return multiply


def multiplier_of_one_form(tile: Tile) -> Callable[..., Any]:
    """Return `multiply` for tiles of this form only."""
    max_rows, max_panels, terms = tile[:3]
    instruction = int(tile.instruction)

    @inlined
    def multiply(
        m, k, n_panels, a, a_row, a_k, b, b_row, b_panel, ahead, ahead_panel, ahead_bytes, c, c_row, adds
    ):
        """Compute c[m, 16 n_panels] (+)= a[m, k] @ b[k, 16 n_panels]; for the operands see `multiply_tile`.

        The heights of the tiles are as equal as possible. Each tile prefetches its share of the 16 k numbers
        of `ahead_bytes` at `ahead`, and of those at `ahead + ahead_panel`. A single row is limited by memory
        bandwidth, and prefetching made it slower.
        """
        n_tiles = (m + max_rows - 1) // max_rows
        # A line holds 16 numbers of 4 bytes: a term of a panel in float32, or a quad of it in int8.
        lines_of_turn = (terms * ahead_bytes + 3) // 4
        n_lines = (lines_of_turn + n_tiles - 1) // n_tiles if m > 1 else 0
        for j in range(0, n_panels, max_panels):
            b_j, c_j = advance(b, j * b_panel), advance(c, j * LANES)
            for t in range(n_tiles):
                i = t * m // n_tiles
                rows = (t + 1) * m // n_tiles - i
                a_i, c_i = advance(a, i * a_row), advance(c_j, i * c_row)
                ahead_t = advance(ahead, t * k * ahead_bytes // (4 * n_tiles) * LANES)
                # The number of panels is a constant of the machine code, so each has a call of its own.
                if n_panels - j == 1:
                    multiply_tile(
                        instruction, max_rows, 1, terms, rows, k, a_i, a_row, a_k, b_j, b_row, b_panel,
                        ahead_t, ahead_panel, n_lines, c_i, c_row, adds,
                    )  # fmt: skip
                else:
                    multiply_tile(
                        instruction, max_rows, max_panels, terms, rows, k, a_i, a_row, a_k, b_j, b_row,
                        b_panel, ahead_t, ahead_panel, n_lines, c_i, c_row, adds,
                    )  # fmt: skip

    return multiply
