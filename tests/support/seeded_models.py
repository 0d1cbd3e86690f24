"""Models made from a seed: a test and the witness get the same numbers without sharing a file.

NumPy's legacy generator is used because its stream is frozen for all future versions (NEP 19).
"""

import json
import math
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from distilnp.checkpoint.stored import StoredRows
from distilnp.choices import Precision
from distilnp.engine.weights import PackedWeights
from distilnp.model.config import DistilBertConfig
from distilnp.model.params import Params, build_params, shapes

SEED = 20_261_122

# The standard deviation of attention scores before the softmax: the probabilities of tokens whose scores are
# two standard deviations apart differ by a factor of 50.
SCORE_SPREAD = 2.0

BASE = DistilBertConfig()

# Sizes are odd on purpose: nothing may depend on a power of two, on two labels, or on hidden_dim = 4 dim.
CONFIGS = {
    "one-layer": DistilBertConfig(
        vocab_size=101, max_position_embeddings=512, n_layers=1, n_heads=1, dim=16, hidden_dim=64
    ),
    "odd-sizes": DistilBertConfig(
        vocab_size=211,
        max_position_embeddings=512,
        n_layers=3,
        n_heads=5,
        dim=35,
        hidden_dim=53,
        id2label=("a", "b", "c", "d", "e", "f", "g"),
    ),
    "one-label-relu": DistilBertConfig(
        vocab_size=101,
        max_position_embeddings=512,
        n_layers=2,
        n_heads=4,
        dim=32,
        hidden_dim=37,
        activation="relu",
        id2label=("score",),
        problem_type="regression",
    ),
    "base": BASE,
}


def seeded_tensors(config: DistilBertConfig, seed: int = SEED) -> dict[str, np.ndarray]:
    """Return float32 tensors by checkpoint name.

    The weights of a layer have the standard deviation 1 / sqrt(in), so that its output is about as large as
    its input. Queries and keys have a larger one, so that attention scores have `SCORE_SPREAD` and attention
    is far from uniform.
    """
    random = np.random.RandomState(seed)
    tensors: dict[str, np.ndarray] = {}

    for name, shape in shapes(config).items():
        values = random.standard_normal(shape)
        if name.endswith(("LayerNorm.weight", "layer_norm.weight")):
            values = 1 + 0.1 * values
        elif len(shape) == 1:
            values *= 0.1
        elif "embeddings" not in name:
            is_query_or_key = "q_lin" in name or "k_lin" in name
            values *= math.sqrt((SCORE_SPREAD if is_query_or_key else 1) / shape[1])
        tensors[name] = values.astype(np.float32)
    return tensors


def seeded_ids(vocab_size: int, n_seq: int, seed: int) -> list[int]:
    """Return the token ids of one text."""
    return np.random.RandomState(seed).randint(0, vocab_size, n_seq).tolist()


def tiny_real_head(dim: int, seed: int = SEED) -> dict[str, np.ndarray]:
    """Return a classifier's head for the tiny published encoder, which has none."""
    random = np.random.RandomState(seed)
    shapes = {
        "pre_classifier.weight": (dim, dim),
        "pre_classifier.bias": (dim,),
        "classifier.weight": (2, dim),
        "classifier.bias": (2,),
    }
    return {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def params_of(tensors: dict[str, np.ndarray], config: DistilBertConfig, dtype: type = np.float32) -> Params:
    """Return the parameters for the reference pass, without writing a file."""
    return build_params(
        config, {name: tensors[name].astype(dtype).reshape(shape) for name, shape in shapes(config).items()}
    )


def packed(
    tensors: dict[str, np.ndarray], config: DistilBertConfig, precision: Precision = "float32"
) -> PackedWeights:
    """Return packed weights for the engine, without writing a file."""
    weights = PackedWeights(config, {}, precision)
    for name, tensor in tensors.items():
        weights.store(name, tensor.shape, 0, StoredRows(tensor, "F32"))
    return weights


def config_json(config: DistilBertConfig) -> dict[str, object]:
    """Return the keys and values of `config.json` for a configuration."""
    return {
        "model_type": "distilbert",
        "architectures": ["DistilBertForSequenceClassification"],
        "vocab_size": config.vocab_size,
        "max_position_embeddings": config.max_position_embeddings,
        "n_layers": config.n_layers,
        "n_heads": config.n_heads,
        "dim": config.dim,
        "hidden_dim": config.hidden_dim,
        "activation": config.activation,
        "id2label": {str(i): label for i, label in enumerate(config.id2label)},
        "problem_type": config.problem_type,
    }


def write_checkpoint(
    folder: Path,
    config: DistilBertConfig,
    tensors: dict[str, np.ndarray],
    vocab: list[str] | None = None,
    **changes: object,
) -> Path:
    """Write a checkpoint folder; `changes` replace keys of `config.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config_json(config) | changes))
    if vocab is None:
        vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        vocab += [f"w{i}" for i in range(config.vocab_size - len(vocab))]
    (folder / "vocab.txt").write_text("\n".join(vocab) + "\n")
    save_file(tensors, folder / "model.safetensors")
    return folder


def write_bfloat16(path: Path, tensors: dict[str, np.ndarray]) -> None:
    """Write a safetensors file by hand, because safetensors' writer for NumPy has no bfloat16."""
    header, uppers, size = {}, [], 0
    for name, tensor in tensors.items():
        upper = (tensor.view(np.uint32) >> 16).astype("<u2").tobytes()
        offsets = [size, size + len(upper)]
        header[name] = {"dtype": "BF16", "shape": tensor.shape, "data_offsets": offsets}
        uppers.append(upper)
        size += len(upper)
    text = json.dumps(header).encode()
    path.write_bytes(b"".join([len(text).to_bytes(8, "little"), text, *uppers]))


# The quantization_config of weights from `int8_rows`, with only the keys that distilnp needs.
QUANTIZATION = {
    "quant_method": "compressed-tensors",
    "format": "int-quantized",
    "config_groups": {
        "group_0": {"weights": {"num_bits": 8, "type": "int", "strategy": "channel", "symmetric": True}}
    },
}


def int8_rows(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return tensors with matrices as int8 rows, each row with a scale of its own."""
    stored = {}
    for name, tensor in tensors.items():
        if tensor.ndim == 2:
            scale = (np.abs(tensor).max(axis=1, keepdims=True) / 127).astype(np.float32)
            stored |= {name: np.rint(tensor / scale).astype(np.int8), f"{name}_scale": scale}
        else:
            stored[name] = tensor
    return stored
