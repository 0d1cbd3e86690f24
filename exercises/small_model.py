"""Models for the cases: a small one made of random numbers, and the bundled sst2-mini.

The sizes of the small one are all different where a mistake could hide: 4 tokens, 2 heads of 3 numbers.
"""

import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from distilnp.checkpoint.config_json import read_config
from distilnp.checkpoint.registry import find_checkpoint
from distilnp.checkpoint.tensors import load_tensors
from distilnp.errors import DistilnpError
from distilnp.model import reference
from distilnp.model.config import DistilBertConfig
from distilnp.model.params import Array, Params, build_params, shapes
from distilnp.tokenizer import Tokenizer

from .exercise import Case

TOKENS = ("[CLS]", "good", "film", "[SEP]")
IDS = (2, 5, 6, 3)
CONFIG = DistilBertConfig(
    vocab_size=7,
    max_position_embeddings=8,
    n_layers=3,
    n_heads=2,
    dim=6,
    hidden_dim=8,
    id2label=("-", "+", "?"),
)
SENTENCE = "An unforgettably tender film."


class Model(NamedTuple):
    """Parameters, their configuration, one text, and the intermediates of the reference pass."""

    name: str
    params: Params
    config: DistilBertConfig
    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    trace: dict[str, Array]


@cache
def small_model(dtype: type = np.float64) -> Model:
    """Return the small model, in float64 or float32. NumPy's legacy generator never changes (NEP 19)."""
    random = np.random.RandomState(21)
    tensors: dict[str, Array] = {}
    for name, shape in shapes(CONFIG).items():
        numbers = random.standard_normal(shape)
        if "norm.weight" in name.lower():
            numbers = 1 + 0.3 * numbers
        elif len(shape) == 2 and "embeddings" not in name:
            numbers *= 1.5 / math.sqrt(shape[1])
        tensors[name] = read_only(numbers.astype(dtype))
    params = build_params(CONFIG, tensors)
    name = f"a small model of random numbers, {len(IDS)} tokens, {np.dtype(dtype).name}"
    return Model(name, params, CONFIG, IDS, TOKENS, _trace(IDS, params, CONFIG))


@cache
def bundled_model() -> Model | None:
    """Return sst2-mini with a sentence; None if its files are not in this clone."""
    try:
        folder = find_checkpoint("sst2-mini")
        config = read_config(folder)
        tensors = load_tensors(folder, config, np.float32)
    except DistilnpError:
        return None
    encoding = Tokenizer.from_folder(folder).encode(SENTENCE)
    params = build_params(config, {name: read_only(tensor) for name, tensor in tensors.items()})
    name = f'sst2-mini, "{SENTENCE}", float32'
    return Model(name, params, config, encoding.ids, encoding.tokens, _trace(encoding.ids, params, config))


def models() -> list[Model]:
    """Return the models of the cases, the smallest first."""
    bundled = bundled_model()
    return [small_model(np.float64), small_model(np.float32), *([bundled] if bundled else [])]


def of_models(arguments: Callable[[Model], tuple[Any, ...]]) -> Callable[[], Iterator[Case]]:
    """Return cases with arguments from each model."""
    return lambda: (Case(model.name, arguments(model), model.tokens) for model in models())


def gradient_like(y: Array) -> Array:
    """Return random numbers in the shape and the type of y, as a gradient to begin with."""
    return read_only(np.random.RandomState(y.size).standard_normal(y.shape).astype(y.dtype))


def _trace(ids: tuple[int, ...], params: Params, config: DistilBertConfig) -> dict[str, Array]:
    trace: dict[str, Array] = {}
    reference.forward(ids, params, config, trace)
    return {name: read_only(x) for name, x in trace.items()}


def read_only(x: Any) -> Any:
    """Make an array read-only: a learner's `x -= mean` fails where it stands, and not in a later case."""
    x.flags.writeable = False
    return x
