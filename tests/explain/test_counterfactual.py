"""The fewest words whose removal turns an answer, compared with a search through every set of words."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.seeded_models import seeded_tensors, write_checkpoint
from support.variants import SMALL

import distilnp
from distilnp import ArgumentError, Counterfactual
from distilnp.api import Classifier
from distilnp.engine.engine import Engine
from distilnp.explain import counterfactual as module
from distilnp.explain import left_out
from distilnp.explain.inputs import read_inputs


@cache
def classifier() -> Classifier:
    return distilnp.load()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    config = replace(SMALL, vocab_size=45)
    folder = write_checkpoint(tmp_path_factory.mktemp("small"), config, seeded_tensors(config))
    return distilnp.load(folder)


words = st.lists(st.sampled_from([f"w{i}" for i in range(40)]), min_size=1, max_size=7)


def fewest(classifier: Classifier, words: list[str]) -> int | None:
    """Return the number of words whose removal turns the answer, by trying every set of words."""
    label = classifier(" ".join(words)).label
    for kept in chain.from_iterable(combinations(words, n) for n in range(len(words) - 1, -1, -1)):
        if classifier(" ".join(kept)).label != label:
            return len(words) - len(kept)
    return None


@settings(max_examples=40)
@given(words)
def test_no_fewer_words_do(small: Classifier, words: list[str]) -> None:
    expected = fewest(small, words)

    found = small.counterfactual(" ".join(words))

    if expected is None:
        assert found is None
    elif expected <= module.MAX_EXACT_WORDS:
        assert found is not None and found.is_minimal and len(found.words) == expected
    elif found is not None:
        assert len(found.words) >= expected
        assert found.is_minimal == (len(found.words) == module.MAX_EXACT_WORDS + 1)


@settings(max_examples=40)
@given(words)
def test_the_shortened_text_gets_the_other_answer(small: Classifier, words: list[str]) -> None:
    found = small.counterfactual(" ".join(words))

    if found is not None:
        assert found.before.label != found.after.label
        assert small(found.shortened[0]) == found.after
        for word in found.words:
            assert found.texts[0][word.start : word.end] == word.text


def test_a_long_search_ends_with_words_none_of_which_can_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TOKENS", 1)  # as if the text were too long for any set to be tried
    text = "A dreadful, boring, tedious and stupid film, although well acted."

    found = classifier().counterfactual(text)

    assert found is not None
    assert found.is_minimal == (len(found.words) == 1)
    blanked = found.shortened[0]
    for word in found.words:
        with_it = blanked[: word.start] + word.text + blanked[word.end :]
        assert classifier()(with_it).label == found.before.label


def test_the_words_of_a_real_sentence_are_those_that_a_reader_would_name() -> None:
    found = classifier().counterfactual("A dreadful, boring film, although well acted.")

    assert found is not None
    assert repr(found) == "Counterfactual('NEGATIVE' -> 'POSITIVE' without 'dreadful', 'boring'; fewest)"
    assert found.shortened == ("A         ,        film, although well acted.",)


def test_both_texts_of_a_pair_may_lose_words() -> None:
    found = classifier().counterfactual({"text": "A dreadful film.", "text_pair": "Boring, too."})

    assert found is not None
    assert len(found.shortened) == 2
    assert {word.sequence for word in found.words} <= {0, 1}


@pytest.mark.parametrize("text", ["", "I really liked that movie!"])
def test_an_answer_that_no_removal_turns_has_no_counterfactual(text: str) -> None:
    assert classifier()("").label == "POSITIVE"

    assert classifier().counterfactual(text) is None


def test_it_is_written_as_predictions_are() -> None:
    found = classifier().counterfactual("A dreadful, boring film, although well acted.")

    assert found is not None
    values = json.loads(found.to_json())
    assert values == found.as_dict(full=True)
    assert set(values) == set(Counterfactual.__dataclass_fields__)


def test_a_model_with_one_label_is_one_clear_error(tmp_path: Path) -> None:
    config = replace(SMALL, vocab_size=45, id2label=("score",), problem_type="regression")
    write_checkpoint(tmp_path, config, seeded_tensors(config))

    with pytest.raises(ArgumentError, match="single label 'score', expected several"):
        distilnp.load(tmp_path).counterfactual("w1 w2")


def test_labels_that_apply_each_by_itself_turn_when_one_comes_or_goes(tmp_path: Path) -> None:
    config = replace(
        SMALL, vocab_size=45, id2label=("a", "b", "c"), problem_type="multi_label_classification"
    )
    write_checkpoint(tmp_path, config, seeded_tensors(config))
    classifier = distilnp.load(tmp_path)

    found = classifier.counterfactual("w1 w2 w3 w4")

    assert found is not None
    assert found.before.labels != found.after.labels


def test_an_answer_without_any_label_is_said_to_have_none(tmp_path: Path) -> None:
    config = replace(SMALL, vocab_size=45, id2label=("a",))
    write_checkpoint(tmp_path, config, seeded_tensors(config))
    any_score = distilnp.load(tmp_path)
    whole, without = any_score("w1 w2"), any_score("w2")
    threshold = (whole.score + without.score) / 2
    classifier = distilnp.load(tmp_path, threshold=threshold)

    found = classifier.counterfactual("w1 w2")

    assert found is not None
    before, after = ("'a'", "no label") if whole.score > threshold else ("no label", "'a'")
    assert repr(found).startswith(f"Counterfactual({before} -> {after} without ")


def test_a_word_in_several_windows_is_missing_once(small: Classifier) -> None:
    reading = replace(small.reading, max_length=8, long_text="windows", stride=4)
    given = read_inputs(reading, " ".join(f"w{i}" for i in range(12)), "text")

    (variant,) = left_out.variants_without(small.engine, given, [(4, 5)])
    answer = left_out.prediction_of(small.scoring, given, variant, is_split=False)

    assert [len(one.ids) - len(ids) for one, ids in zip(given.inputs, variant.inputs, strict=True)] == [
        2,
        2,
        2,
        0,
    ]
    assert answer.n_tokens == answer.n_seen == 12 + 2 - 2


def test_the_windows_that_a_word_is_not_in_are_computed_once(
    small: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = replace(small.reading, max_length=8, long_text="windows", stride=0)
    given = read_inputs(reading, " ".join(f"w{i}" for i in range(36)), "text")
    monkeypatch.setattr(left_out, "BATCH_TOKENS", 1)  # each word in a batch of its own
    engine = Counting(small.engine)

    variants = list(left_out.variants_without(engine, given, [(i,) for i in range(36)]))

    assert len(given.inputs) == 6
    assert engine.n_inputs == 36 + 6
    for word, variant in enumerate(variants):
        alone = small.forward(variant.inputs)
        assert sum(map(len, variant.inputs)) == 36 + 2 * 6 - 1
        assert variant.words == (word,)
        np.testing.assert_array_equal(variant.logits, alone)


class Counting:
    """An engine that counts its inputs."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.n_inputs = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def forward(self, inputs: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        self.n_inputs += len(inputs)
        return self.engine.forward(inputs)
