"""The kernels are tested where they can run: `loader.obstacle` says where they cannot."""

import pytest

from distilnp.kernels.loader import obstacle


@pytest.fixture(scope="session", autouse=True)
def kernels_can_run() -> None:
    if why := obstacle():
        pytest.skip(why)
