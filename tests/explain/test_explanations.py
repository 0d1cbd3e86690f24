"""What `Classifier.explain` says, for every method and every way of reading a text."""

import json
import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pages import blocks
from support.seeded_models import seeded_tensors, write_checkpoint
from support.variants import SMALL

import distilnp
from distilnp import ArgumentError, CheckpointError, Explanation, InputTypeError
from distilnp.api import Classifier
from distilnp.choices import ExplainMethod
from distilnp.engine.engine import Engine
from distilnp.explain.attributions import (
    INTERVALS,
    MAX_ERROR,
    Differentiable,
    attention_rollout,
    clenshaw_curtis,
    gradient_x_input,
    integrated_gradients,
)
from distilnp.explain.inputs import read_inputs
from distilnp.explain.pieces import pieces
from distilnp.model.params import Array

METHODS = get_args(ExplainMethod)
GRADIENTS = ("gradient_x_input", "integrated_gradients")
TEXT = "A dreadful, boring film, although well acted."
PAIR = {"text": "Who wrote it?", "text_pair": "Nobody did."}


@cache
def classifier() -> Classifier:
    return distilnp.load()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """A model with few positions and random weights: long texts are short, and passes take no time."""
    config = replace(SMALL, vocab_size=205)
    folder = write_checkpoint(tmp_path_factory.mktemp("small"), config, seeded_tensors(config))
    return distilnp.load(folder)


words = st.lists(st.sampled_from([f"w{i}" for i in range(30)]), min_size=1, max_size=60)
ways = st.sampled_from(
    [
        {"long_text": "head"},
        {"long_text": "tail"},
        {"long_text": "head_tail"},
        {"long_text": "windows", "stride": 5},
        {"long_text": "windows", "stride": 5, "sentences": "en"},
        {"long_text": "head", "sentences": "en"},
    ]
)


def reading_as(classifier: Classifier, way: dict[str, object]) -> Classifier:
    return replace(classifier, reading=replace(classifier.reading, **way))


# What is explained


# Not gradient times input: the model is sure, so it hardly has a slope. docs/inside.md has the figures.
@pytest.mark.parametrize("method", ["leave_one_out", "integrated_gradients", "attention_rollout"])
def test_the_word_that_carries_the_sentiment_counts_most(method: ExplainMethod) -> None:
    explanation = classifier().explain("I really liked that movie!", method=method)

    assert explanation.strongest(1)[0].text == "liked"


@pytest.mark.parametrize("method", METHODS)
def test_the_logit_is_that_of_the_prediction(method: ExplainMethod) -> None:
    explanation = classifier().explain(TEXT, method=method)

    assert explanation.target == explanation.prediction.label == classifier()(TEXT).label
    assert explanation.logit == pytest.approx(float(explanation.prediction.logits.max()), abs=1e-4)


@pytest.mark.parametrize("method", ["leave_one_out", *GRADIENTS])
def test_another_label_can_be_explained_by_name_or_by_id(method: ExplainMethod) -> None:
    by_name = classifier().explain(TEXT, method=method, target="POSITIVE")
    by_id = classifier().explain(TEXT, method=method, target=np.int64(1))  # as argmax returns it

    assert by_name.target == by_id.target == "POSITIVE"
    assert by_name.words == by_id.words
    assert by_name.logit == pytest.approx(float(by_name.prediction.logits[1]), abs=1e-4)


def test_leaving_out_a_word_is_classifying_the_text_without_it() -> None:
    explanation = classifier().explain(TEXT, method="leave_one_out")
    whole = classifier()(TEXT).logits

    for word in explanation.words:
        without = classifier()(TEXT[: word.start] + " " + TEXT[word.end :]).logits
        assert word.attribution == float(whole[0]) - float(without[0])  # to the bit, in any batch


@settings(max_examples=25)
@given(words, ways)
def test_what_is_explained_is_what_the_model_is_given(
    small: Classifier, words: list[str], way: dict[str, object]
) -> None:
    if "sentences" in way:
        pytest.importorskip("sentencex")
    text = " ".join(f"{word}." if i % 9 == 8 else word for i, word in enumerate(words))
    reading = reading_as(small, way).reading

    found = read_inputs(reading, text, "text")

    passages = reading.passages(text, "text")
    assert [one.ids for one in found.inputs] == [ids for passage in passages for ids in passage.inputs]
    assert math.isclose(sum(one.share for one in found.inputs), 1)
    vocab = reading.tokenizer.settings.vocab
    for one in found.inputs:
        for id_, token in zip(one.ids, one.tokens, strict=True):
            assert token is None or vocab[found.tokens[token].token] == id_


@settings(max_examples=15)
@given(words, ways, st.sampled_from(METHODS))
def test_a_long_text_is_explained_as_it_is_classified(
    small: Classifier, words: list[str], way: dict[str, object], method: ExplainMethod
) -> None:
    if "sentences" in way:
        pytest.importorskip("sentencex")
    text = " ".join(words)
    variant = reading_as(small, way)

    explanation = variant.explain(text, method=method)

    assert explanation.logit == pytest.approx(float(max(variant(text).logits)), abs=1e-4)
    assert [word.text for word in explanation.words] == words
    n_seen = sum(token.is_seen for token in explanation.tokens or explanation.words)
    cut = way["long_text"] != "windows" and len(words) > 22
    assert n_seen == (22 if cut else len(words))
    assert all(word.attribution == 0 for word in explanation.words if not word.is_seen)


def test_a_pair_is_explained_in_both_texts() -> None:
    explanation = classifier().explain(PAIR)

    assert [(word.text, word.sequence) for word in explanation.words] == [
        ("Who", 0),
        ("wrote", 0),
        ("it", 0),
        ("?", 0),
        ("Nobody", 1),
        ("did", 1),
        (".", 1),
    ]


@given(st.text(max_size=40))
def test_every_word_is_where_its_span_says(text: str) -> None:
    found = read_inputs(classifier().reading, text, "text")
    explained = [token for token in found.tokens if text[token.start : token.end].strip()]

    for token in explained:
        assert 0 <= token.start < token.end <= len(text)
    assert all(a.word <= b.word for a, b in pairwise(found.tokens))


@settings(max_examples=40)
@given(st.text(max_size=30))
def test_pieces_joined_are_the_text(text: str) -> None:
    explanation = classifier().explain(text)

    assert "".join(piece.text for piece in pieces(text, 0, explanation.words)) == text


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("text", ["", " ", "\u200b", "[SEP] [MASK]", "a" * 200])
def test_a_text_that_says_nothing_is_explained_too(text: str, method: ExplainMethod) -> None:
    explanation = classifier().explain(text, method=method)

    assert all(math.isfinite(word.attribution) for word in explanation.words)
    assert str(explanation)


# The methods


class Quadratic:
    """A function whose integrated gradients are known: half the sum of the squares of all numbers."""

    def __init__(self) -> None:
        self.vectors = np.random.RandomState(1).standard_normal((50, 8))

    def embed(self, ids: tuple[int, ...]) -> Array:
        return self.vectors[list(ids)]

    def logit(self, x: Array) -> float:
        return float((x * x).sum() / 2)

    def gradient(self, x: Array) -> tuple[float, Array]:
        return self.logit(x), x


def test_integrated_gradients_are_exact_for_a_quadratic_function() -> None:
    function = Quadratic()

    found = integrated_gradients(function, (1, 2, 3), (1, 9, 9))  # type: ignore[arg-type]

    expected = (function.vectors[[1, 2, 3]] ** 2 - function.vectors[[1, 9, 9]] ** 2).sum(axis=1) / 2
    np.testing.assert_allclose(found.attributions, expected, atol=1e-12)
    assert abs(found.error or 0) < 1e-12


@pytest.mark.parametrize("n", INTERVALS)
def test_the_rule_is_exact_for_polynomials_and_its_points_are_used_again(n: int) -> None:
    points, weights = map(np.array, clenshaw_curtis(n))

    for degree in range(n + 2):  # odd ones by symmetry
        assert (weights * points**degree).sum() == pytest.approx(1 / (degree + 1), abs=1e-14)
    assert set(points) <= set(clenshaw_curtis(2 * n)[0])


def test_gradient_times_input_is_the_whole_of_a_function_of_the_second_degree_twice() -> None:
    function = Quadratic()

    found = gradient_x_input(function, (1, 2, 3))  # type: ignore[arg-type]

    assert found.attributions.sum() == pytest.approx(2 * found.logit)


def test_integrated_gradients_add_up_to_what_they_explain() -> None:
    explanation = classifier().explain(TEXT, method="integrated_gradients")

    total = sum(token.attribution for token in explanation.tokens) + explanation.special
    difference = explanation.logit - explanation.baseline_logit
    assert explanation.error == pytest.approx(total - difference, abs=1e-5)
    assert abs(explanation.error) <= MAX_ERROR * max(1, abs(difference))
    assert explanation.special == 0  # [CLS] and [SEP] are the same at both ends


@pytest.mark.parametrize("method", [*GRADIENTS, "attention_rollout"])
def test_a_word_has_the_attributions_of_its_tokens(method: ExplainMethod) -> None:
    explanation = classifier().explain("An unaffable film.", method=method)

    assert [token.text for token in explanation.tokens] == ["an", "una", "##ffa", "##ble", "film", "."]
    (whole,) = [word.attribution for word in explanation.words if word.text == "unaffable"]
    assert whole == pytest.approx(sum(token.attribution for token in explanation.tokens[1:4]))


def test_attention_rollout_is_a_distribution_over_tokens() -> None:
    explanation = classifier().explain(TEXT, method="attention_rollout")

    assert sum(token.attribution for token in explanation.tokens) + explanation.special == pytest.approx(1)
    assert min(token.attribution for token in explanation.tokens) > 0


def test_attention_rollout_multiplies_the_layers_in_order() -> None:
    probs = np.random.RandomState(1).dirichlet(
        np.ones(4), size=(2, 3, 4)
    )  # [n_layers, n_heads, n_seq, n_seq]
    trace = {f"layer.{i}.attention.probs": probs[i] for i in range(2)}
    trace["embeddings.LayerNorm"] = np.zeros((4, 8))

    expected = np.zeros(4)
    first, second = ((layer.mean(axis=0) + np.eye(4)) / 2 for layer in probs)
    for middle in range(4):  # [CLS] of the last layer took from these, and they took from the tokens
        expected += second[0, middle] * first[middle]

    np.testing.assert_allclose(attention_rollout(trace, 2), expected)


@pytest.mark.parametrize("method", METHODS)
def test_a_model_that_computes_with_integers_is_explained(method: ExplainMethod) -> None:
    int8 = distilnp.load(precision="int8")

    explanation = int8.explain(TEXT, method=method)

    assert explanation.prediction == int8(TEXT)
    assert explanation.logit == pytest.approx(float(explanation.prediction.logits[0]), abs=0.2)


@pytest.mark.parametrize("method", METHODS)
def test_a_vocabulary_without_pad_and_mask_will_do(tmp_path: Path, method: ExplainMethod) -> None:
    config = replace(SMALL, vocab_size=40)
    vocab = ["[UNK]", "[CLS]", "[SEP]", *(f"w{i}" for i in range(37))]
    write_checkpoint(tmp_path, config, seeded_tensors(config), vocab)

    assert len(distilnp.load(tmp_path).explain("w1 w2", method=method).words) == 2


# What is refused


@pytest.mark.parametrize("method", ["lime", None, 3])
def test_a_method_that_does_not_exist_is_one_clear_error(method: object) -> None:
    with pytest.raises(ArgumentError, match=r"method is .*, expected one of 'gradient_x_input'"):
        classifier().explain(TEXT, method=method)  # type: ignore[arg-type]


@pytest.mark.parametrize("target", ["positive", 2, -1, True, 1.0])
def test_a_target_that_is_no_label_is_one_clear_error(target: object) -> None:
    with pytest.raises(
        ArgumentError, match=r"target is .*, expected one of the labels .* or an id from 0 to 1"
    ):
        classifier().explain(TEXT, target=target)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", [["a", "b"], 3, None, {"txt": "a"}])
def test_something_that_is_not_one_text_is_one_clear_error(text: object) -> None:
    with pytest.raises(InputTypeError, match="text "):
        classifier().explain(text)  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [-1, True, 1.0, "2"])
def test_a_number_of_words_that_is_none_is_one_clear_error(n: object) -> None:
    with pytest.raises(ArgumentError, match=r"n is .*, expected an integer of at least 0"):
        classifier().explain(TEXT).strongest(n)  # type: ignore[arg-type]


class Overflowing:
    """An engine whose logits overflow for all inputs but one."""

    def __init__(self, engine: Engine, fits: tuple[int, ...]) -> None:
        self.engine, self.fits = engine, fits

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def forward(self, inputs: Sequence[Sequence[int]]) -> Array:
        logits = self.engine.forward(inputs)
        logits[[tuple(ids) != self.fits for ids in inputs]] = np.inf
        return logits


def test_logits_that_overflow_without_a_word_are_one_clear_error() -> None:
    engine = Overflowing(classifier().engine, classifier().tokenizer.encode(TEXT).ids)
    overflowing = replace(classifier(), engine=engine)  # type: ignore[arg-type]

    for ask in (overflowing.explain, overflowing.counterfactual):
        with pytest.raises(CheckpointError, match="logits of the text without some of its words are not all"):
            ask(TEXT)


@pytest.mark.parametrize("method", GRADIENTS)
def test_a_gradient_that_overflows_is_one_clear_error(
    small: Classifier, monkeypatch: pytest.MonkeyPatch, method: ExplainMethod
) -> None:
    monkeypatch.setattr(Differentiable, "gradient", lambda _, x: (0.0, np.full_like(x, np.inf)))

    with pytest.raises(CheckpointError, match="attributions of the tokens are not all finite"):
        small.explain("w1 w2", method=method)


# What it offers to programs and people


def test_the_full_dict_has_every_attribute_and_survives_json() -> None:
    explanation = classifier().explain(TEXT, method="integrated_gradients")

    values = json.loads(explanation.to_json())

    assert values == explanation.as_dict(full=True)
    assert set(values) == set(Explanation.__dataclass_fields__)
    assert values["words"][1]["text"] == "dreadful"
    assert values["prediction"]["label"] == "NEGATIVE"
    assert set(explanation.as_dict()) == {"target", "score", "method", "words"}


def test_a_web_service_returns_explanations() -> None:
    fastapi = pytest.importorskip("fastapi")
    from fastapi.testclient import TestClient

    app = fastapi.FastAPI()

    @app.get("/explain")
    def explain(text: str) -> Explanation:
        return classifier().explain(text)

    with TestClient(app) as client:
        assert client.get("/explain", params={"text": TEXT}).json()["target"] == "NEGATIVE"
        declared = json.dumps(client.get("/openapi.json").json()["paths"]["/explain"])
    assert all(f'"{name}"' in declared for name in Explanation.__dataclass_fields__)


def test_a_strange_text_does_nothing_in_a_notebook_or_a_terminal() -> None:
    explanation = classifier().explain("<script>alert(1)</script> \x1b[31m red \u202e desrever\nfilm")

    html = explanation._repr_html_()
    assert "<script>" not in html
    assert not {"\x1b", "\u202e"} & set(html)
    coloured, plain = explanation.to_text(color=True), explanation.to_text()
    assert "\u202e" not in coloured
    assert "\x1b" not in plain
    assert coloured.count("\x1b[") == 2 * coloured.count("\x1b[0m")  # ours come in pairs


def test_where_an_answer_is_only_named_its_words_are_short_and_do_nothing() -> None:
    texts = ("a" * 100_000, "\x1bred")

    written = [repr(classifier().explain(text)) for text in texts]

    assert max(map(len, written)) < 500
    assert all(map(str.isprintable, written))


def test_where_the_model_looked_is_not_said_to_speak_for_a_label() -> None:
    assert "speaks for" in classifier().explain("a")._repr_html_()

    assert "speaks for" not in classifier().explain("a", method="attention_rollout")._repr_html_()


def test_the_strongest_words_come_first_whatever_their_sign() -> None:
    strongest = classifier().explain(TEXT).strongest()

    sizes = [abs(word.attribution) for word in strongest]
    assert sizes == sorted(sizes, reverse=True)
    assert strongest[0].text == "boring"


def test_a_word_that_the_model_was_not_given_is_shown_as_such(small: Classifier) -> None:
    explanation = small.explain(" ".join(f"w{i}" for i in range(40)))

    assert "\x1b[2mw39\x1b[0m" in explanation.to_text(color=True)
    assert "opacity:.5" in explanation._repr_html_()


def test_explaining_costs_nothing_to_those_who_do_not_explain() -> None:
    code = (
        "import sys, distilnp; distilnp.classify('What a joy.');"
        "sys.exit(any(name.startswith('distilnp.explain') for name in sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_explaining_needs_no_compiled_kernels() -> None:
    code = (
        "import distilnp; c = distilnp.load();"
        f"print([c.explain({TEXT!r}, method=m).strongest(1)[0].text for m in {METHODS!r}])"
    )
    environment = {"DISTILNP_KERNELS": "numpy", "OPENBLAS_NUM_THREADS": "1"}

    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)

    expected = [classifier().explain(TEXT, method=method).strongest(1)[0].text for method in METHODS]
    assert (run.stdout.strip(), run.stderr) == (str(expected), "")


# Other explainers


def code_of_the_page() -> dict[str, Any]:
    """Return what the page's code for other explainers defines."""
    page = Path(__file__).parents[2] / "docs" / "inside.md"
    (code,) = (block for _, block in blocks(page, "python") if "import shap" in block)
    defined: dict[str, Any] = {}
    exec(code, defined)
    return defined


# Both libraries warn about what they import.
@pytest.mark.filterwarnings("ignore")
def test_shap_takes_the_classifier() -> None:
    pytest.importorskip("shap")

    values = code_of_the_page()["shap_values"](classifier(), ["a dreadful film"])[0, :, "NEGATIVE"]

    assert values.data[values.values.argmax()].strip() == "dreadful"


@pytest.mark.filterwarnings("ignore")
def test_lime_takes_the_classifier() -> None:
    pytest.importorskip("lime")

    explanation = code_of_the_page()["lime_explanation"](classifier(), "a dreadful film")

    assert max(explanation.as_list(), key=lambda pair: abs(pair[1]))[0] == "dreadful"
