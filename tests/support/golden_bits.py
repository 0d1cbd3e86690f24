"""The exact bits of logits: the same on any CPU and any number of threads, from Numba and any library."""

import json
from pathlib import Path

from support.engines import compiled_engine
from support.seeded_models import CONFIGS, packed, seeded_ids, seeded_tensors

from distilnp.checkpoint.config_json import read_config
from distilnp.checkpoint.registry import find_checkpoint
from distilnp.engine.shared_weights import load_packed

GOLDEN = Path(__file__).parents[1] / "goldens" / "engine_bits.json"

MODELS = [*(name for name in CONFIGS if name != "base"), "sst2-mini"]  # base takes seconds
LENGTHS = [3, 8, 17, 64, 257, 512]


def engine_bits(name: str, threads: int) -> dict[str, list[str]]:
    """Return the logits of an input of each length, in hexadecimal, which is exact."""
    if name in CONFIGS:
        weights = packed(seeded_tensors(CONFIGS[name]), CONFIGS[name])
    else:
        folder = find_checkpoint(name)
        weights = load_packed(folder, read_config(folder))
    lengths = [n for n in LENGTHS if n <= weights.config.max_position_embeddings]
    inputs = [seeded_ids(weights.config.vocab_size, n, 0) for n in lengths]
    logits = compiled_engine(weights, threads).forward(inputs)
    return {str(n): [float(x).hex() for x in row] for n, row in zip(lengths, logits, strict=True)}


def golden() -> dict[str, dict[str, list[str]]]:
    """Return the stored logits by model and length."""
    return json.loads(GOLDEN.read_text(encoding="ascii"))
