"""The entry points of the kernels: the functions that are compiled for Python to call."""

import importlib
import pkgutil

from distilnp import kernels
from distilnp.kernels.jit import EntryPoint


def entry_points() -> dict[str, EntryPoint]:
    """Return every entry point in `distilnp.kernels` by its full name."""
    names = [f"{kernels.__name__}.{module.name}" for module in pkgutil.iter_modules(kernels.__path__)]
    return {
        f"{module.__name__}.{name}": value
        for module in map(importlib.import_module, names)
        for name, value in vars(module).items()
        if isinstance(value, EntryPoint)
    }
