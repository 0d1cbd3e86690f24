"""Kernels are tested wherever they can run, in every way in which they can run."""

from collections.abc import Iterator

import pytest
from support import kernel_programs
from support.kernel_calls import FLOAT32_WAYS, WAYS, call

from distilnp.native.loader import no_numba

# These tests compile, which needs Numba. The others also run kernels that were compiled elsewhere.
COMPILING = [
    "test_elementary.py",
    "test_jobs.py",
    "test_tiles.py",
    "test_words.py",
    "test_widths.py",
]
collect_ignore = COMPILING if no_numba() else []


def run_in(way: str) -> Iterator[None]:
    kernel_programs.ways.append(call(way))
    yield
    kernel_programs.ways.pop()


@pytest.fixture(scope="module", params=FLOAT32_WAYS)
def every_way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run the programs of `kernel_programs` in every way of FLOAT32_WAYS."""
    yield from run_in(request.param)


@pytest.fixture(scope="module", params=WAYS)
def every_way_of_int8(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run the programs of `kernel_programs` in every way of WAYS."""
    yield from run_in(request.param)
