"""Run steps of the program that the package ships, on all threads of a rung."""

from collections.abc import Sequence

import numpy as np

from distilnp.kernels.steps import BOARD_STEP, Step
from distilnp.native.loader import choose

from . import team
from .operands import reused


def run(steps: Sequence[Step], batch: Sequence[int], scratch_size: int) -> None:
    """Run some steps; `batch` is the table that their operands are looked up in."""
    program = choose().program
    if program is None:
        raise RuntimeError("no compiled kernels can run here, so there is no shipped kernel to time")
    tables = np.array(steps, np.int64), np.array(batch, np.int64)
    board = np.zeros((len(steps) + 1, BOARD_STEP), np.int64)
    scratch = reused(1, team.n_threads() * scratch_size)
    addresses = (table.ctypes.data for table in (*tables, board, scratch))
    team.together(program.run, len(steps), *addresses, scratch_size)
