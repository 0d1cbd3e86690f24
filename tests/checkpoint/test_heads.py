"""DistilBERTs that are not text classifiers: the error names them, even if config.json does not."""

from pathlib import Path

import numpy as np
import pytest
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint
from support.torch_files import write_torch

import distilnp
from distilnp import ConfigError, TensorError

CONFIG = CONFIGS["one-layer"]
ENCODER = {name: tensor for name, tensor in seeded_tensors(CONFIG).items() if name.startswith("distilbert.")}
BARE = {name.removeprefix("distilbert."): tensor for name, tensor in ENCODER.items()}


def linear(name: str, n: int) -> dict[str, np.ndarray]:
    return {f"{name}.weight": np.ones((n, CONFIG.dim), np.float32), f"{name}.bias": np.ones(n, np.float32)}


# The tensors of transformers' other classes.
HEADS = {
    "DistilBertModel": ENCODER,
    "DistilBertForMaskedLM": ENCODER | linear("vocab_transform", CONFIG.dim) | linear("vocab_projector", 101),
    "DistilBertForTokenClassification": ENCODER | linear("classifier", 9),
    "DistilBertForQuestionAnswering": ENCODER | linear("qa_outputs", 2),
}
NO_HEAD = r"pre_classifier and classifier.* are missing"


@pytest.mark.parametrize("name", HEADS)
def test_another_head_is_recognised_by_its_tensors(tmp_path: Path, name: str) -> None:
    write_checkpoint(tmp_path, CONFIG, HEADS[name], architectures=None)

    with pytest.raises(TensorError, match=rf"model\.safetensors holds {name}, .*fine-tuned"):
        distilnp.load(tmp_path)


def test_the_error_says_what_a_base_model_lacks(tmp_path: Path) -> None:
    for i, tensors in enumerate((ENCODER, BARE)):
        folder = write_checkpoint(tmp_path / str(i), CONFIG, tensors, architectures=None)
        with pytest.raises(TensorError, match=rf"DistilBertModel, a base model without a head \({NO_HEAD}"):
            distilnp.load(folder)


def test_another_head_is_recognised_in_a_pytorch_file_too(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, CONFIG, {})
    (tmp_path / "model.safetensors").unlink()
    write_torch(tmp_path / "pytorch_model.bin", HEADS["DistilBertForMaskedLM"])

    with pytest.raises(TensorError, match=r"pytorch_model\.bin holds DistilBertForMaskedLM"):
        distilnp.load(tmp_path)


@pytest.mark.parametrize("name", [*HEADS, "DistilBertForMultipleChoice"])
def test_another_head_is_recognised_by_config_json(tmp_path: Path, name: str) -> None:
    write_checkpoint(tmp_path, CONFIG, seeded_tensors(CONFIG), architectures=[name])

    with pytest.raises(ConfigError, match=rf"architectures is \['{name}'\].* {name}, a .*fine-tuned"):
        distilnp.load(tmp_path)


@pytest.mark.parametrize("architectures", [None, []])
def test_architectures_may_be_missing(tmp_path: Path, architectures: object) -> None:
    write_checkpoint(tmp_path, CONFIG, seeded_tensors(CONFIG), architectures=architectures)

    assert distilnp.load(tmp_path)("w1").label in CONFIG.id2label


def test_the_error_lists_what_half_a_head_lacks(tmp_path: Path) -> None:
    tensors = ENCODER | linear("pre_classifier", CONFIG.dim)
    write_checkpoint(tmp_path, CONFIG, tensors)

    with pytest.raises(TensorError, match=r"(?s)classifier\.weight is missing.*classifier\.bias is missing"):
        distilnp.load(tmp_path)


def test_a_published_base_model_is_recognised(data: Path) -> None:
    with pytest.raises(distilnp.CheckpointError, match=r"DistilBertModel, a base model without a head"):
        distilnp.load(data / "tiny-random-distilbert")
