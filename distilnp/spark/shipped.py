"""The function that Spark sends to its Python workers with its code, because they may lack distilnp.

It may use nothing of this package but what it imports itself.
"""

from collections.abc import Callable, Iterator
from typing import Any


def shipped(payload: bytes) -> Callable[..., Any]:
    """Return the function that unpickles a piece of work and applies it to one batch after another."""
    import pandas as pd

    def work(batches: Iterator[tuple[pd.Series, ...]]) -> Iterator[pd.Series]:
        try:
            from distilnp.spark.worker import run
        except ImportError as error:
            import sys

            raise ImportError(
                f"{error}. distilnp cannot be imported where this Python worker of Spark runs "
                f"({sys.executable}), expected the version that the driver has. Install it on every machine, "
                'pip install "distilnp[spark]", or send an environment that has it with --archives'
            ) from error
        return run(payload, batches)

    return work
