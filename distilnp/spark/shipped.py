"""The function that Spark sends to its Python workers with its code, because they may lack distilnp.

It may use nothing of this package but what it imports itself.
"""

from collections.abc import Callable, Iterator
from typing import Any


def shipped(payload: bytes, version: str) -> Callable[..., Any]:
    """Return the function that unpickles a piece of work and applies it to one batch after another.

    Parameters
    ----------
    payload : bytes
        The pickled work.
    version : str
        The version of distilnp on the driver. Another one may lack what was pickled, or give other bits.
    """
    import pandas as pd

    def work(batches: Iterator[tuple[pd.Series, ...]]) -> Iterator[pd.Series]:
        import sys

        fault = ""
        try:
            import distilnp

            if distilnp.__version__ != version:
                fault = f"distilnp {distilnp.__version__} is installed"
            else:
                from distilnp.spark.worker import run
        except ImportError as error:
            fault = str(error)
        if fault:
            raise ImportError(
                f"{fault} where this Python worker of Spark runs ({sys.executable}). Expected distilnp "
                f'{version}, as on the driver. Install it on every machine, pip install "distilnp[spark]", '
                "or send an environment that has it with --archives"
            )
        return run(payload, batches)

    return work
