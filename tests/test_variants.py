"""Checkpoints of every kind, compared with transformers: from one folder, the same ids, logits and scores."""

import json
from typing import Any

import numpy as np
import pytest
from support.expected_logits import GOLDENS, float32_tolerance
from support.variants import TEXTS, VARIANTS, write_variant

import distilnp
from distilnp.checkpoint.tensors import load_params
from distilnp.long_text import cut
from distilnp.model import reference

# A score that transformers computes in float32 can be off by this much.
ROUNDING = 2.0**-22


@pytest.fixture(scope="module", params=VARIANTS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def classifier(
    name: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> distilnp.Classifier:
    data = request.getfixturevalue("data") if VARIANTS[name].needs_data else None
    return distilnp.load(write_variant(tmp_path_factory.mktemp("variant"), name, data))


@pytest.fixture(scope="module")
def answers(name: str) -> list[dict[str, Any]]:
    golden = json.loads((GOLDENS / f"variants/{name}.json").read_text())
    return [answer | {"ids": list(map(int, answer["ids"].split()))} for answer in golden]


def test_the_configuration_survives_the_folder(name: str, classifier: distilnp.Classifier) -> None:
    assert classifier.config == VARIANTS[name].config


def test_the_ids_are_those_of_transformers(
    classifier: distilnp.Classifier, answers: list[dict[str, Any]]
) -> None:
    for text, answer in zip(TEXTS, answers, strict=True):
        encoding = classifier.tokenizer.encode(**(text if isinstance(text, dict) else {"text": text}))

        assert list(cut(encoding.ids, encoding.lengths, classifier.max_length)) == answer["ids"]


def test_the_reference_gives_the_logits_of_transformers(
    classifier: distilnp.Classifier, answers: list[dict[str, Any]]
) -> None:
    config = classifier.config
    params = load_params(classifier.folder, config, np.float64)
    for answer in answers:
        logits = reference.forward(answer["ids"], params, config)

        np.testing.assert_allclose(logits, answer["logits"], rtol=0, atol=1e-12)


def test_the_predictions_are_those_of_the_pipeline(
    classifier: distilnp.Classifier, answers: list[dict[str, Any]]
) -> None:
    largest = max(np.abs(answer["logits"]).max() for answer in answers)
    for prediction, answer in zip(classifier(TEXTS), answers, strict=True):
        tolerance = float32_tolerance(classifier.config, len(answer["ids"]), largest)
        np.testing.assert_allclose(prediction.logits, answer["logits"], rtol=0, atol=tolerance)
        # Both sides computed the logits in float32. Neither softmax nor sigmoid makes their difference
        # larger.
        allowed = 2 * tolerance + ROUNDING
        assert (prediction.n_tokens, prediction.n_seen) == (answer["n_tokens"], len(answer["ids"]))
        assert prediction.label == answer["label"]
        assert prediction.score == pytest.approx(answer["score"], abs=allowed)
        assert prediction.scores == pytest.approx(answer["scores"], abs=allowed)


def test_a_multi_label_model_reports_the_labels_that_the_pipeline_scores_above_a_half(
    name: str, classifier: distilnp.Classifier, answers: list[dict[str, Any]]
) -> None:
    is_multi_label = classifier.config.problem_type == "multi_label_classification" or name == "one-label"
    for prediction, answer in zip(classifier(TEXTS), answers, strict=True):
        above = {label for label, score in answer["scores"].items() if score > 0.5}
        assert set(prediction.labels) == (above if is_multi_label else {answer["label"]})
