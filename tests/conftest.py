"""Set-up for all tests: the environment, hypothesis' budget, and the research data of `DISTILNP_DATA`."""

import os
from pathlib import Path

# This has to be set before NumPy is imported. OpenBLAS's threads wait for each other by spinning: on a busy
# machine, two of them were 35 times slower than one.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Only a test that sets this variable itself may ask a hub.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest
from hypothesis import HealthCheck, settings

# One variable sets how many examples each property is tried with. There is no deadline, because a busy
# machine is not a bug.
settings.register_profile(
    "distilnp",
    max_examples=int(os.environ.get("DISTILNP_MAX_EXAMPLES", "100")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("distilnp")


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the folder of research data, which is not in the repository. Skip the test if there is none."""
    folder = os.environ.get("DISTILNP_DATA")
    if not folder:
        pytest.skip("DISTILNP_DATA is not set: this test reads research data that is not in the repository")
    return Path(folder)
