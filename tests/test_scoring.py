"""From logits to labels, as in the pipeline of transformers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support.predictions import predict

from distilnp import Prediction
from distilnp.model.config import DistilBertConfig
from distilnp.scoring import decode, default_function

# Every temperature that a config.json may have.
TEMPERATURES = st.floats(0, exclude_min=True, allow_infinity=False)
LOGITS = arrays(np.float32, st.integers(1, 9), elements=st.floats(-(2.0**100), 2.0**100, width=32))


# These are the rules of transformers 5.23: pipelines/text_classification.py, `postprocess`.
@pytest.mark.parametrize(
    ("problem_type", "n_labels", "function"),
    [
        ("regression", 1, "none"),
        ("regression", 3, "none"),
        ("multi_label_classification", 1, "sigmoid"),
        ("multi_label_classification", 3, "sigmoid"),
        ("single_label_classification", 2, "softmax"),
        (None, 1, "sigmoid"),
        (None, 2, "softmax"),
        (None, 28, "softmax"),
    ],
)
def test_the_function_is_the_one_that_transformers_chooses(
    problem_type: str, n_labels: int, function: str
) -> None:
    labels = tuple(f"l{i}" for i in range(n_labels))

    assert default_function(DistilBertConfig(problem_type=problem_type, id2label=labels)) == function


def test_softmax_of_published_logits_gives_the_published_score() -> None:
    # distilbert-base-uncased-finetuned-sst-2-english on the first sentence of the Hugging Face course
    scores = decode(np.array([-1.5606991, 1.6122842], np.float32), "softmax")

    # Two frameworks printed the logits and the score. Their logits differ by 1e-5; the slope is p (1 - p).
    assert scores[1] == pytest.approx(0.9598050713539124, abs=4e-7)


def test_sigmoid_scores_every_label_on_its_own() -> None:
    assert decode(np.array([0.0, math.log(3)], np.float32), "sigmoid") == pytest.approx([0.5, 0.75], abs=1e-7)


def test_none_returns_the_logits() -> None:
    assert decode(np.array([-3.5, 0.25], np.float32), "none") == [-3.5, 0.25]


@given(LOGITS)
def test_softmax_gives_probabilities_for_logits_of_any_size(logits: np.ndarray) -> None:
    scores = decode(logits, "softmax")

    assert math.fsum(scores) == pytest.approx(1, abs=len(scores) * 2.0**-52)
    assert all(0 <= score <= 1 for score in scores)


@given(LOGITS, st.sampled_from(["softmax", "sigmoid", "none"]))
def test_a_temperature_of_one_changes_nothing(logits: np.ndarray, function: str) -> None:
    assert decode(logits, function, 1.0) == decode(logits, function)


def test_a_temperature_divides_the_logits() -> None:
    logits = np.array([0.0, 2 * math.log(3)], np.float32)

    assert decode(logits, "softmax", 2.0) == pytest.approx([0.25, 0.75], abs=1e-7)
    assert decode(logits, "sigmoid", 2.0) == pytest.approx([0.5, 0.75], abs=1e-7)
    assert decode(logits, "none", 2.0) == logits.tolist()


@given(LOGITS, TEMPERATURES, st.sampled_from(["softmax", "sigmoid"]))
def test_no_temperature_moves_the_label(logits: np.ndarray, temperature: float, function: str) -> None:
    labels = tuple(f"l{i}" for i in range(len(logits)))

    prediction = predict(logits, labels, function, n_tokens=7, n_seen=7, temperature=temperature)

    assert prediction.label == labels[logits.argmax()]
    assert prediction.score == max(prediction.scores.values())
    assert all(0 <= score <= 1 for score in prediction.scores.values())
    order = np.argsort(logits, kind="stable")
    assert (np.diff([prediction.scores[labels[i]] for i in order]) >= 0).all()


@given(LOGITS, TEMPERATURES, TEMPERATURES)
def test_a_higher_temperature_never_makes_scores_more_certain(logits: np.ndarray, a: float, b: float) -> None:
    def entropy(temperature: float) -> float:
        scores = decode(logits, "softmax", temperature)
        return -math.fsum(p * math.log(p) for p in scores if p)

    # Up to nine terms of at most 1/e are summed, each rounded as a score, as a logarithm and as a product.
    assert entropy(min(a, b)) <= entropy(max(a, b)) + 9 * 4 * 2.0**-52


def test_a_threshold_is_compared_with_the_calibrated_score() -> None:
    # The sigmoids are 0.73 and 0.88. Those of half the logits are 0.62 and 0.73.
    logits = np.array([1.0, 2.0], np.float32)

    def labels(temperature: float) -> tuple[str, ...]:
        given = {"n_tokens": 5, "n_seen": 5, "threshold": 0.7, "temperature": temperature}
        return predict(logits, ("a", "b"), "sigmoid", **given).labels

    assert labels(1.0) == ("a", "b")
    assert labels(2.0) == ("b",)


@given(LOGITS, st.sampled_from(["softmax", "sigmoid", "none"]))
def test_the_label_has_the_highest_logit_and_score(logits: np.ndarray, function: str) -> None:
    labels = tuple(f"l{i}" for i in range(len(logits)))

    prediction = predict(logits, labels, function, n_tokens=7, n_seen=7)

    assert prediction.label == labels[logits.argmax()]
    assert prediction.score == max(prediction.scores.values())
    assert tuple(prediction.scores) == labels


def test_every_label_above_the_threshold_is_reported() -> None:
    def labels(threshold: float | None) -> tuple[str, ...]:
        logits = np.array([-1.0, 2.0, 0.0, 1.0], np.float32)
        return predict(logits, tuple("abcd"), "sigmoid", n_tokens=5, n_seen=5, threshold=threshold).labels

    assert labels(0.5) == ("b", "d")  # 0.5 itself is not above 0.5, and the order is that of the ids
    assert labels(0.0) == ("a", "b", "c", "d")
    assert labels(0.9) == ()
    assert labels(None) == ("b",)


def prediction(n_tokens: int = 5, n_seen: int = 5) -> Prediction:
    logits = np.array([1.0, 2.0], np.float32)
    return predict(logits, ("no", "yes"), "softmax", n_tokens=n_tokens, n_seen=n_seen)


def test_a_prediction_cannot_be_changed() -> None:
    one = prediction()

    with pytest.raises(AttributeError):
        one.label = "no"
    with pytest.raises(ValueError, match="read-only"):
        one.logits[0] = 9


def test_a_prediction_reports_whether_the_text_was_cut() -> None:
    assert not prediction(5, 5).truncated
    assert prediction(600, 512).truncated


def test_equal_predictions_compare_equal_and_have_equal_hashes() -> None:
    assert prediction() == prediction()
    assert prediction() != prediction(6, 6)
    assert len({prediction(), prediction(), prediction(6, 6)}) == 2


def test_as_dict_has_the_form_of_the_pipeline_of_transformers() -> None:
    assert prediction().as_dict() == {"label": "yes", "score": pytest.approx(1 / (1 + math.exp(-1)))}
