"""The exact bits of logits: the same on any CPU and any number of threads, from Numba and any library."""

import json
from pathlib import Path

from support.engines import compiled_engine
from support.seeded_models import CONFIGS, packed, seeded_ids, seeded_tensors

from distilnp.checkpoint.config_json import read_config
from distilnp.checkpoint.registry import find_checkpoint
from distilnp.choices import Precision
from distilnp.engine.shared_weights import load_packed
from distilnp.engine.weights import PackedWeights
from distilnp.native.loader import Program

GOLDEN = Path(__file__).parents[1] / "goldens" / "engine_bits.json"

FLOAT32_MODELS = [*(name for name in CONFIGS if name != "base"), "sst2-mini"]  # base takes seconds
INT8 = " in int8"
INT8_MODELS = [name + INT8 for name in FLOAT32_MODELS]
MODELS = FLOAT32_MODELS + INT8_MODELS
LENGTHS = [3, 8, 17, 64, 257, 512]


def weights_of(name: str) -> PackedWeights:
    """Return the weights of one of MODELS."""
    precision: Precision = "int8" if name.endswith(INT8) else "float32"
    name = name.removesuffix(INT8)
    if name in CONFIGS:
        return packed(seeded_tensors(CONFIGS[name]), CONFIGS[name], precision)
    folder = find_checkpoint(name)
    return load_packed(folder, read_config(folder), precision)


def engine_bits(name: str, threads: int, program: Program | None = None) -> dict[str, list[str]]:
    """Return the logits of an input of each length, in hexadecimal, which is exact."""
    weights = weights_of(name)
    lengths = [n for n in LENGTHS if n <= weights.config.max_position_embeddings]
    inputs = [seeded_ids(weights.config.vocab_size, n, 0) for n in lengths]
    logits = compiled_engine(weights, threads, program).forward(inputs)
    return {str(n): [float(x).hex() for x in row] for n, row in zip(lengths, logits, strict=True)}


def golden() -> dict[str, dict[str, list[str]]]:
    """Return the stored logits by model and length."""
    return json.loads(GOLDEN.read_text(encoding="ascii"))
