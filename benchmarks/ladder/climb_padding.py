"""Climb the rungs of padding: check them, time them in turns, and write the table."""

from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from distilnp.checkpoint.config_json import read_config
from distilnp.checkpoint.registry import find_checkpoint
from distilnp.checkpoint.tensors import load_params
from distilnp.engine.compiled_engine import CompiledEngine
from distilnp.engine.shared_weights import load_packed
from distilnp.model import reference
from distilnp.native.loader import choose

from ..machine import cpu
from . import team, timing
from .climb_product import figure
from .padding import by_length, padded, ragged
from .timing import Effort

MODEL = "sst2-mini"

# Tokens of the 872 sentences of SST-2 dev: the mean, the standard deviation, the shortest and the longest.
MEAN, DEVIATION, SHORTEST, LONGEST = 25.2, 10.4, 4, 55

# Relative to the largest logit, as in `forward`: a mask with one token too many moves logits a hundred times
# as much.
TOLERANCE = 1e-4

RUNGS: dict[str, ModuleType] = {
    "padded": padded,
    "padded, sorted by length": by_length,
    "ragged": ragged,
}


class Shape(NamedTuple):
    """How many texts there are."""

    n_texts: int


# Four batches.
FULL = Shape(n_texts=128)
QUICK = Shape(n_texts=6)


def climb(shape: Shape, effort: Effort) -> str:
    """Check every rung, then time them in turns on one thread; return the table."""
    random = np.random.default_rng(0)
    drawn = np.rint(random.normal(MEAN, DEVIATION, shape.n_texts)).clip(SHORTEST, LONGEST)
    lengths = drawn.astype(int).tolist()
    folder = find_checkpoint(MODEL)
    config = read_config(folder)
    params = load_params(folder, config)
    inputs = [random.integers(1, config.vocab_size, n).tolist() for n in lengths]
    expected = np.stack([reference.forward(text, params, config) for text in inputs])
    calls: dict[str, Any] = {
        name: partial(rung.forward, inputs, params, config) for name, rung in RUNGS.items()
    }
    n_rows = {name: rung.n_rows(lengths) for name, rung in RUNGS.items()}
    if program := choose().program:
        calls["shipped"] = partial(CompiledEngine(load_packed(folder, config), 1, program).forward, inputs)
        n_rows["shipped"] = sum(lengths)
    samples: dict[str, list[list[float]]] = {name: [] for name in calls}
    with team.of(1):
        for name, call in calls.items():
            timing.check(name, call(), expected, TOLERANCE * np.abs(expected).max())
        for _ in range(effort.rounds):
            for name, call in calls.items():
                samples[name].append(timing.turn([call], effort.seconds))
    lines = [["rung", "rows", "padding", "ms", "of padded", "us a row"]]
    first = timing.median_of(samples["padded"])
    for name, rows in n_rows.items():
        seconds = timing.median_of(samples[name])
        waste = 1 - sum(lengths) / rows
        cells = [f"{rows:,}", f"{waste:.0%}", figure(1e3 * seconds), f"{seconds / first:.2f}"]
        lines.append([name, *cells, figure(1e6 * seconds / rows)])
    sizes = f"{MODEL}, {shape.n_texts} texts of {SHORTEST} to {LONGEST} tokens, one thread, {cpu()}."
    return "\n".join([sizes, "", timing.table(lines)])
