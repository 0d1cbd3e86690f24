"""What every test may ask for: the research data of `DISTILNP_DATA`, and hypothesis' budget."""

import os
from pathlib import Path

# Before NumPy is imported. The threads of OpenBLAS wait for each other by spinning: on a machine that does
# something else besides, two of them were 35 times slower than one.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# No test asks the real hub, but for those that say so.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest
from hypothesis import HealthCheck, settings

# One variable sets how hard the properties are tried; no deadline, because a busy machine is not a bug.
settings.register_profile(
    "distilnp",
    max_examples=int(os.environ.get("DISTILNP_MAX_EXAMPLES", "100")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("distilnp")


@pytest.fixture(scope="session")
def data() -> Path:
    """Return the folder of research data, which is not part of the repository; skip the test without it."""
    folder = os.environ.get("DISTILNP_DATA")
    if not folder:
        pytest.skip(
            "DISTILNP_DATA is not set: this test reads research texts that the repository does not carry"
        )
    return Path(folder)
