"""The kernels are tested where they can run, and in every way in which they can."""

from collections.abc import Iterator

import kernel_programs
import pytest
from kernel_calls import WAYS, call


@pytest.fixture(scope="module", params=WAYS)
def every_way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run the programs of `kernel_programs` in each of WAYS."""
    kernel_programs.ways.append(call(request.param))
    yield
    kernel_programs.ways.pop()
