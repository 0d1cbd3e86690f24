"""Kernels are tested wherever they can run, in every way in which they can run."""

from collections.abc import Iterator

import pytest
from support import kernel_programs
from support.kernel_calls import WAYS, call

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


@pytest.fixture(scope="module", params=WAYS)
def every_way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run the programs of `kernel_programs` in every way of WAYS."""
    kernel_programs.ways.append(call(request.param))
    yield
    kernel_programs.ways.pop()
