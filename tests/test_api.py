"""`load`, `classify` and `Classifier`, on small seeded models; the bundled checkpoint at the end."""

import copy
import itertools
import json
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.expected_logits import float32_tolerance
from support.seeded_models import CONFIGS, params_of, seeded_tensors, write_checkpoint

import distilnp
from distilnp.model import reference

CONFIG = CONFIGS["odd-sizes"]
TENSORS = seeded_tensors(CONFIG)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"), CONFIG, TENSORS)


@pytest.fixture(scope="module")
def classifier(folder: Path) -> distilnp.Classifier:
    return distilnp.load(folder)


def words(n: int, start: int = 0) -> str:
    """Return a text of n tokens, not counting [CLS] and [SEP]."""
    return " ".join(f"w{(start + i) % 200}" for i in range(n))


def test_one_text_gives_one_prediction(classifier: distilnp.Classifier) -> None:
    prediction = classifier(words(4))

    assert isinstance(prediction, distilnp.Prediction)
    assert (prediction.n_tokens, prediction.n_seen, prediction.truncated) == (6, 6, False)
    assert tuple(prediction.scores) == CONFIG.id2label


@pytest.mark.parametrize(
    "texts", [[], [words(3)], (words(1), words(2)), iter([words(1)]), {words(1): 0}.keys()]
)
def test_an_iterable_gives_a_list_of_as_many_predictions(
    classifier: distilnp.Classifier, texts: object
) -> None:
    expected = len(texts) if hasattr(texts, "__len__") else 1

    predictions = classifier.classify(texts)

    assert isinstance(predictions, list)
    assert len(predictions) == expected


def test_the_logits_are_those_of_the_reference(classifier: distilnp.Classifier) -> None:
    text = words(9)
    ids = classifier.tokenizer.encode(text).ids

    logits = classifier(text).logits

    expected = reference.forward(ids, params_of(TENSORS, CONFIG, np.float64), CONFIG)
    assert logits.dtype == np.float32
    tolerance = float32_tolerance(CONFIG, len(ids), np.abs(expected).max())
    np.testing.assert_allclose(logits, expected, rtol=0, atol=tolerance)


@given(texts=st.lists(st.integers(0, 30).map(words), max_size=8), batch_tokens=st.integers(1, 50))
def test_the_size_of_batches_changes_no_logit(
    classifier: distilnp.Classifier, texts: list[str], batch_tokens: int
) -> None:
    together = list(classifier.stream(texts, batch_tokens=batch_tokens))

    assert [p.logits.tobytes() for p in together] == [classifier(text).logits.tobytes() for text in texts]


@pytest.mark.parametrize("text", ["", " \n", "\u200b\ufeff\0"])
def test_a_text_without_tokens_is_classified_and_says_so(classifier: distilnp.Classifier, text: str) -> None:
    prediction = classifier(text)

    assert (prediction.n_tokens, prediction.is_empty) == (2, True)
    assert not classifier("a").is_empty
    assert classifier(" \n").logits.tobytes() == classifier("").logits.tobytes()


@pytest.mark.parametrize(("n_words", "n_seen"), [(509, 511), (510, 512), (511, 512), (5000, 512)])
def test_a_long_text_keeps_its_head_and_is_marked_as_truncated(
    classifier: distilnp.Classifier, n_words: int, n_seen: int
) -> None:
    prediction = classifier(words(n_words))

    assert (prediction.n_tokens, prediction.n_seen) == (n_words + 2, n_seen)
    assert prediction.truncated == (n_words > 510)
    assert prediction.logits.tobytes() == classifier(words(n_seen - 2)).logits.tobytes()


def test_max_length_counts_cls_and_sep(folder: Path, classifier: distilnp.Classifier) -> None:
    short = distilnp.load(folder, max_length=5)

    prediction = short(words(9))

    assert (prediction.n_tokens, prediction.n_seen, prediction.truncated) == (11, 5, True)
    assert prediction.logits.tobytes() == classifier(words(3)).logits.tobytes()


def test_labels_and_function_can_be_replaced(folder: Path) -> None:
    labels = ["un", "deux", "trois", "quatre", "cinq", "six", "sept"]

    prediction = distilnp.load(folder, labels=iter(labels), function_to_apply="none")(words(5))

    assert list(prediction.scores) == labels
    assert list(prediction.scores.values()) == prediction.logits.tolist()


@pytest.fixture(scope="module")
def multi_label(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("multi-label")
    return write_checkpoint(folder, CONFIG, TENSORS, problem_type="multi_label_classification")


@pytest.mark.parametrize("threshold", [None, 0, 0.2, np.float32(0.7), 1])
def test_a_multi_label_model_gives_all_labels_above_the_threshold(
    multi_label: Path, threshold: float | None
) -> None:
    for prediction in distilnp.load(multi_label, threshold=threshold)([words(n) for n in range(9)]):
        limit = 0.5 if threshold is None else threshold
        assert prediction.labels == tuple(name for name, score in prediction.scores.items() if score > limit)
        assert prediction.label == CONFIG.id2label[prediction.logits.argmax()]
        assert prediction.score == max(prediction.scores.values())


def test_a_single_label_model_gives_exactly_one_label(classifier: distilnp.Classifier) -> None:
    prediction = classifier(words(4))

    assert prediction.labels == (prediction.label,)


def test_a_regression_model_gives_its_value(tmp_path: Path) -> None:
    config = CONFIGS["one-label-relu"]

    prediction = distilnp.load(write_checkpoint(tmp_path, config, seeded_tensors(config)))("w1 w2 w3")

    assert (prediction.label, prediction.labels) == ("score", ("score",))
    assert prediction.score == prediction.logits[0]


def test_a_softmax_model_can_score_every_label_on_its_own(folder: Path) -> None:
    prediction = distilnp.load(folder, function_to_apply="sigmoid", threshold=0)(words(4))

    assert prediction.labels == CONFIG.id2label


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), "0.5", True, object()])
def test_a_threshold_that_is_not_a_probability_is_refused(multi_label: Path, threshold: object) -> None:
    with pytest.raises(distilnp.ArgumentError, match=r"threshold is .*, expected a number from 0 to 1"):
        distilnp.load(multi_label, threshold=threshold)


@pytest.mark.parametrize(
    "given",
    [
        [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1],
        (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1),
        {"g": 1, "a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4, "f": 0.6},  # "e" keeps the default
    ],
)
def test_each_label_may_have_its_own_threshold(multi_label: Path, given: object) -> None:
    classifier = distilnp.load(multi_label, threshold=given)
    limits = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1)

    assert classifier.threshold == limits
    for prediction in classifier([words(n) for n in range(9)]):
        rows = zip(prediction.scores.items(), limits, strict=True)
        assert prediction.labels == tuple(name for (name, score), limit in rows if score > limit)
    assert json.loads(json.dumps(classifier.describe()))["threshold"] == list(limits)
    same = distilnp.load(multi_label, threshold=0.5), distilnp.load(multi_label, threshold=[0.5] * 7)
    assert len({classifier.fingerprint, *(one.fingerprint for one in same)}) == 3


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        ([0.5], "threshold is (0.5,), expected 7 numbers, one for each of the labels ('a', 'b'"),
        ([], "threshold is (), expected 7 numbers"),
        ({"z": 0.5}, "threshold is for 'z', expected a label of the model: ('a', 'b'"),
        ({"a": 1.5}, "expected a number from 0 to 1, or a tuple with one for each label"),
        ([0.5] * 6 + [float("nan")], "expected a number from 0 to 1, or a tuple"),
        ([0.5] * 6 + [True], "expected a number from 0 to 1, or a tuple"),
        ([0.5] * 6 + ["0.5"], "expected a number from 0 to 1, or a tuple"),
        ([0.5] * 6 + [None], "expected a number from 0 to 1, or a tuple"),
    ],
)
def test_thresholds_that_do_not_fit_the_labels_are_refused(
    multi_label: Path, threshold: object, message: str
) -> None:
    with pytest.raises(distilnp.ArgumentError) as caught:
        distilnp.load(multi_label, threshold=threshold)
    assert message in str(caught.value)


def test_a_threshold_is_refused_if_it_would_have_no_effect(folder: Path) -> None:
    with pytest.raises(distilnp.ArgumentError, match=r"'softmax', expected 'sigmoid'"):
        distilnp.load(folder, threshold=0.5)


def test_a_pair_is_given_to_the_model_as_one_input(classifier: distilnp.Classifier, folder: Path) -> None:
    pair = {"text": words(4), "text_pair": words(3, 50)}
    joined = classifier(f"{words(4)} [SEP] {words(3, 50)}")  # encoded as [CLS] A [SEP] B [SEP]

    prediction = classifier(pair)

    assert prediction == joined
    assert (prediction.n_tokens, prediction.n_seen, prediction.truncated) == (10, 10, False)
    assert prediction.logits.tobytes() == joined.logits.tobytes()
    assert classifier.classify(pair) == distilnp.classify(pair, folder) == joined
    assert prediction != classifier({"text": pair["text_pair"], "text_pair": pair["text"]})


def test_texts_and_pairs_may_be_mixed(classifier: distilnp.Classifier) -> None:
    pair = MappingProxyType({"text": words(4), "text_pair": words(2)})
    texts = [words(4), pair, {"text": words(4)}, {"text": "", "text_pair": ""}]

    answers = classifier(texts)

    assert [answer.n_tokens for answer in answers] == [6, 9, 6, 3]
    assert answers[0] == answers[2]
    assert list(classifier.stream(iter(texts), batch_tokens=7)) == answers


@pytest.mark.parametrize(("n_first", "n_second", "kept"), [(9, 9, (3, 4)), (2, 9, (2, 5)), (9, 0, (7, 0))])
def test_a_long_pair_is_cut_longest_first_and_is_marked_as_truncated(
    folder: Path, n_first: int, n_second: int, kept: tuple[int, int]
) -> None:
    classifier = distilnp.load(folder, max_length=10)

    prediction = classifier({"text": words(n_first), "text_pair": words(n_second, 50)})

    assert (prediction.n_tokens, prediction.n_seen) == (n_first + n_second + 3, 10)
    assert prediction.truncated
    kept_pair = {"text": words(kept[0]), "text_pair": words(kept[1], 50)}
    assert prediction.logits.tobytes() == classifier(kept_pair).logits.tobytes()


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({}, "has the keys none, expected 'text' and 'text_pair', or 'text' alone"),
        ({"review": "x"}, "has the keys 'review', expected 'text'"),
        ({"text_pair": "x"}, "has the keys 'text_pair', expected 'text'"),
        ({"text": "x", "pair": "y"}, "has the keys 'text', 'pair', expected 'text'"),
        (
            {"text": "x", "text_pair": "y", "padding": True},
            "has the keys 'text', 'text_pair', 'padding', exp",
        ),
        ({"text": "x", 0: "y"}, "has the keys 'text', 0, expected 'text'"),
        ({"text": ["x"], "text_pair": ["y"]}, r"\['text'\] is list .*expected str"),
        (
            {"text": "x", "text_pair": None},
            r"\['text_pair'\] is NoneType .*expected str.*leave 'text_pair' out",
        ),
    ],
)
def test_a_mapping_that_is_not_a_pair_is_refused(
    classifier: distilnp.Classifier, mapping: dict[str, object], message: str
) -> None:
    with pytest.raises(distilnp.InputTypeError, match=f"texts ?{message}"):
        classifier(mapping)
    stream = classifier.stream([{"text": words(1), "text_pair": words(1)}, mapping])
    assert next(stream).n_tokens == 5
    with pytest.raises(distilnp.InputTypeError, match=rf"texts\[1\] ?{message}"):
        next(stream)


def test_special_tokens_in_a_text_can_be_read_as_text(folder: Path) -> None:
    assert distilnp.load(folder)("w1 [SEP] w2").n_tokens == 5
    assert distilnp.load(folder, split_special_tokens=True)("w1 [SEP] w2").n_tokens == 7


def test_a_stream_answers_before_its_source_ends(classifier: distilnp.Classifier) -> None:
    taken = []

    def endless() -> Iterator[str]:
        for i in itertools.count():
            taken.append(i)
            yield words(i % 7, i)

    stream = classifier.stream(endless(), batch_tokens=64)

    assert [next(stream).n_tokens for _ in range(20)] == [i % 7 + 2 for i in range(20)]
    assert len(taken) < 40


def test_texts_before_a_bad_one_are_answered(classifier: distilnp.Classifier) -> None:
    stream = classifier.stream([words(1), words(2), None, words(3)])

    assert [next(stream).n_tokens, next(stream).n_tokens] == [3, 4]
    with pytest.raises(distilnp.InputTypeError, match=r"texts\[2\] is NoneType"):
        next(stream)


def test_texts_before_a_failure_of_their_source_are_answered(classifier: distilnp.Classifier) -> None:
    def failing() -> Iterator[str]:
        yield words(1)
        raise OSError("the disk is gone")

    stream = classifier.stream(failing())

    assert next(stream).n_tokens == 3
    with pytest.raises(OSError, match="the disk is gone"):
        next(stream)


@pytest.mark.parametrize("texts", [None, 3, 2.5, b"bytes", bytearray(b"x"), object()])
def test_an_input_that_is_neither_a_text_nor_a_list_is_refused(
    classifier: distilnp.Classifier, texts: object
) -> None:
    with pytest.raises(distilnp.InputTypeError, match=f"texts is {type(texts).__name__}, expected"):
        classifier(texts)


@pytest.mark.parametrize("bad", [None, 1, float("nan"), b"bytes", ["nested"]])
def test_a_bad_text_in_a_list_is_named_by_its_index(classifier: distilnp.Classifier, bad: object) -> None:
    with pytest.raises(distilnp.InputTypeError, match=rf"texts\[1\] is {type(bad).__name__}.*expected str"):
        classifier(["good", bad])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_length": 2}, distilnp.ArgumentError, "max_length is 2, expected an integer of at least 3"),
        ({"max_length": 513}, distilnp.ArgumentError, "max_length is 513"),
        ({"max_length": 8.0}, distilnp.ArgumentError, "max_length is 8.0"),
        ({"max_length": [5]}, distilnp.ArgumentError, r"max_length is \[5\]"),
        ({"max_length": True}, distilnp.ArgumentError, "max_length is True"),
        ({"labels": ["a", "b"]}, distilnp.ArgumentError, "expected 7 different ones"),
        ({"labels": ["a"] * 7}, distilnp.ArgumentError, "expected at least one, no two equal"),
        ({"labels": range(7)}, distilnp.InputTypeError, "expected every label to be a str"),
        ({"labels": "abcdefg"}, distilnp.InputTypeError, "labels is str"),
        ({"labels": 7}, distilnp.InputTypeError, "labels is int"),
        ({"function_to_apply": "tanh"}, distilnp.ArgumentError, "'softmax', 'sigmoid', 'none'"),
    ],
)
def test_unusable_arguments_are_refused(
    folder: Path, options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        distilnp.load(folder, **options)
    with pytest.raises(error, match=message):
        distilnp.classify("w1", folder, **options)


@pytest.mark.parametrize("batch_tokens", [0, -1, 1.5, None, True])
def test_a_stream_refuses_unusable_batch_tokens(
    classifier: distilnp.Classifier, batch_tokens: object
) -> None:
    with pytest.raises(distilnp.ArgumentError, match="batch_tokens"):
        classifier.stream(["w1"], batch_tokens=batch_tokens)


def test_an_unknown_model_is_an_error_that_lists_the_models() -> None:
    with pytest.raises(distilnp.ModelNotFoundError, match=r"no model 'sst-2'.*sst2-mini.*folder"):
        distilnp.load("sst-2")
    with pytest.raises(distilnp.ModelNotFoundError, match="no model ''"):
        distilnp.load("")
    with pytest.raises(distilnp.InputTypeError, match="model is int"):
        distilnp.load(5)


def test_a_vocabulary_of_another_model_is_refused(tmp_path: Path) -> None:
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{i}" for i in range(CONFIG.vocab_size))]
    write_checkpoint(tmp_path, CONFIG, TENSORS, vocab=vocab)

    with pytest.raises(distilnp.CheckpointError, match="the tokenizer has 216 tokens, expected at most 211"):
        distilnp.load(tmp_path)


def test_weights_that_overflow_raise_an_error(tmp_path: Path) -> None:
    broken = TENSORS | {"classifier.weight": np.full_like(TENSORS["classifier.weight"], 3e38)}
    write_checkpoint(tmp_path, CONFIG, broken)

    with pytest.raises(distilnp.CheckpointError, match="expected finite numbers"):
        distilnp.load(tmp_path)(words(3))


BAD_PARTS = {
    "max_length beyond the positions": (
        "reading",
        {"max_length": 513},
        "max_length is 513, expected at most",
    ),
    "max_length without room": (
        "reading",
        {"max_length": 2},
        "max_length is 2, expected an integer",
    ),
    "windows that never advance": (
        "reading",
        {"max_length": 3, "long_text": "windows", "stride": 1},
        "stride is 1, expected an integer from 0 to 0",
    ),
    "an unknown policy": (
        "reading",
        {"long_text": "middle"},
        "long_text is 'middle', expected one of",
    ),
    "one label too few": ("scoring", {"labels": tuple("abcdef")}, "expected 7 different ones"),
    "one label too many": ("scoring", {"labels": tuple("abcdefgh")}, "expected 7 different ones"),
    "an unknown function": (
        "scoring",
        {"function_to_apply": "tanh"},
        "function_to_apply is 'tanh'",
    ),
    "a threshold for softmax": ("scoring", {"threshold": 0.5}, "expected 'sigmoid'"),
    "no temperature": (
        "scoring",
        {"temperature": 0.0},
        "temperature is 0.0, expected a finite",
    ),
    "an unknown aggregate": ("scoring", {"aggregate": "median"}, "aggregate is 'median', expected one of"),
}


@pytest.mark.parametrize(("part", "changes", "message"), BAD_PARTS.values(), ids=BAD_PARTS)
def test_a_replaced_part_passes_the_checks_of_load(
    classifier: distilnp.Classifier, part: str, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(distilnp.ArgumentError, match=re.escape(message)):
        replace(classifier, **{part: replace(getattr(classifier, part), **changes)})


def test_parts_of_another_model_are_refused(classifier: distilnp.Classifier, tmp_path: Path) -> None:
    config = replace(CONFIG, vocab_size=CONFIG.vocab_size + 100)
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{i}" for i in range(CONFIG.vocab_size))]
    other = distilnp.load(write_checkpoint(tmp_path, config, seeded_tensors(config), vocab=vocab))

    with pytest.raises(distilnp.ArgumentError, match="tokenizer has 216 tokens, expected at most 211"):
        replace(classifier, reading=replace(classifier.reading, tokenizer=other.tokenizer))
    with pytest.raises(distilnp.ArgumentError, match="engine runs a model of"):
        replace(classifier, engine=other.engine)


def test_a_replaced_part_shares_the_weights_and_changes_the_answer(classifier: distilnp.Classifier) -> None:
    sure = replace(classifier, scoring=replace(classifier.scoring, temperature=0.5))

    before, after = classifier(words(4)), sure(words(4))

    assert sure.engine is classifier.engine
    assert after.logits.tobytes() == before.logits.tobytes()
    assert after.score > before.score


def test_classify_keeps_its_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = distilnp.classify(words(3), folder)
    monkeypatch.setattr("distilnp.api.load", None)  # a second load would fail

    assert distilnp.classify(words(3), str(folder)) == expected
    assert distilnp.classify([words(3)], model=folder) == [expected]


def test_classify_keeps_a_model_for_each_set_of_options(folder: Path) -> None:
    labels = list("tuvwxyz")

    assert distilnp.classify(words(9), folder, max_length=4).n_seen == 4
    assert distilnp.classify(words(9), folder).n_seen == 11
    assert list(distilnp.classify(words(9), folder, labels=labels).scores) == labels


def test_threads_may_share_a_classifier(classifier: distilnp.Classifier) -> None:
    texts = [words(i % 23, i) for i in range(200)]
    expected = [p.logits.tobytes() for p in classifier(texts)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda text: classifier(text).logits.tobytes(), texts))

    assert answers == expected


def test_predictions_and_classifiers_survive_pickling(classifier: distilnp.Classifier) -> None:
    prediction = classifier(words(3))

    assert pickle.loads(pickle.dumps(prediction)) == prediction
    assert copy.deepcopy(prediction) == prediction
    assert pickle.loads(pickle.dumps(classifier))(words(3)) == prediction
    assert copy.deepcopy(classifier) is copy.copy(classifier) is classifier


OPTIONS = [
    {},
    {"max_length": 20, "long_text": "windows", "stride": 3, "aggregate": "max"},
    {"labels": list("tuvwxyz"), "function_to_apply": "sigmoid", "threshold": 0.1, "threads": 1},
    {"labels": list("tuvwxyz"), "function_to_apply": "sigmoid", "threshold": {"t": 0.1, "z": 0.9}},
    {"split_special_tokens": True, "long_text": "tail", "max_length": 9},
]


@pytest.mark.parametrize("embed", [False, True])
@pytest.mark.parametrize("options", OPTIONS)
def test_a_pickled_classifier_answers_as_before(
    folder: Path, options: dict[str, object], embed: bool
) -> None:
    original = replace(distilnp.load(folder, **options), embed=embed)
    text = words(30) + " [SEP] " + words(5)

    arrived = pickle.loads(pickle.dumps(original))

    assert arrived(text) == original(text)
    assert arrived.fingerprint == original.fingerprint
    assert arrived.describe() == original.describe()


def test_a_pickle_is_small_unless_it_carries_the_weights(classifier: distilnp.Classifier) -> None:
    n_bytes = sum(tensor.nbytes for tensor in TENSORS.values())

    assert len(pickle.dumps(classifier)) < 5_000 < n_bytes
    assert len(pickle.dumps(replace(classifier, embed=True))) > n_bytes


def test_a_pickle_whose_folder_has_changed_is_an_error(tmp_path: Path) -> None:
    classifier = distilnp.load(write_checkpoint(tmp_path, CONFIG, TENSORS))
    pickled = pickle.dumps(classifier)
    write_checkpoint(tmp_path, CONFIG, seeded_tensors(CONFIG, seed=7))

    with pytest.raises(distilnp.CheckpointError, match=r"has the fingerprint .*embed=True"):
        pickle.loads(pickled)


def test_everything_that_changes_an_answer_changes_the_fingerprint(folder: Path, tmp_path: Path) -> None:
    classifier = distilnp.load(folder)
    other_weights = TENSORS | {"classifier.bias": TENSORS["classifier.bias"] + np.float32(1)}
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"v{i}" for i in range(CONFIG.vocab_size - 5))]
    others = [
        *(distilnp.load(folder, **options) for options in OPTIONS[1:]),
        distilnp.load(write_checkpoint(tmp_path / "weights", CONFIG, other_weights)),
        distilnp.load(write_checkpoint(tmp_path / "vocabulary", CONFIG, TENSORS, vocab=vocab)),
        replace(classifier, scoring=replace(classifier.scoring, temperature=2.0)),
    ]

    fingerprints = {one.fingerprint for one in (classifier, *others)}

    assert len(fingerprints) == 1 + len(others)
    again = distilnp.load(write_checkpoint(tmp_path / "copy", CONFIG, TENSORS), threads=1)
    assert again.fingerprint == classifier.fingerprint


def test_the_description_is_json_and_names_what_computes(classifier: distilnp.Classifier) -> None:
    facts = json.loads(json.dumps(classifier.describe()))

    assert facts["labels"] == list(CONFIG.id2label)
    assert facts["fingerprint"] == classifier.fingerprint
    assert facts["kernels"] == classifier.engine.kernels
    assert facts["max_length"] == classifier.max_length


def test_the_name_of_a_folder_may_have_spaces_and_letters_of_any_alphabet(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "mein schönes Modell 模型", CONFIG, TENSORS)

    assert distilnp.classify(words(2), folder).n_tokens == 4


def test_every_public_name_is_listed() -> None:
    public = {
        name
        for name in dir(distilnp)
        if not name.startswith("_")
        and getattr(getattr(distilnp, name), "__module__", "").startswith("distilnp")
    }

    assert public == set(distilnp.__all__)


def test_an_unknown_attribute_raises_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'distilnp' has no attribute 'classifier'"):
        distilnp.classifier  # noqa: B018


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import distilnp", ("numpy", "numba", "huggingface_hub", "tqdm", "torch")),
        ("import distilnp; distilnp.load", ("numba", "huggingface_hub", "tqdm", "torch")),
        ("import distilnp.cli.classify", ("numba", "huggingface_hub", "tqdm", "scipy", "sklearn")),
        ("from distilnp.cli.grammar import parse; parse(['classify', 'x'])", ("numpy", "tqdm")),
    ],
)
def test_an_import_loads_only_the_packages_that_it_needs(code: str, unwanted: tuple[str, ...]) -> None:
    code = f"import sys; {code}; print([name for name in {unwanted} if name in sys.modules])"

    run = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("model", "labels"), [("sst2-mini", ["POSITIVE", "NEGATIVE"]), ("imdb-mini", ["pos", "neg"])]
)
def test_the_bundled_checkpoints_answer(model: str, labels: list[str]) -> None:
    answers = distilnp.classify(["I really liked that movie!", "What a waste of two hours."], model)

    assert [answer.label for answer in answers] == labels
    assert all(answer.score > 0.9 for answer in answers)


def test_the_bundled_checkpoint_keeps_its_accuracy_on_sst2_dev(data: Path) -> None:
    rows = (data / "sst2/dev.tsv").read_text().splitlines()[1:]
    texts, labels = zip(*(row.rsplit("\t", 1) for row in rows), strict=True)

    predictions = distilnp.classify(texts)

    n_right = sum(
        p.label == ("NEGATIVE", "POSITIVE")[int(y)] for p, y in zip(predictions, labels, strict=True)
    )
    card = (Path(__file__).parents[1] / "weights/sst2-mini/README.md").read_text()
    assert len(predictions) == 872
    assert f"{n_right}/872" in card
    assert n_right / 872 >= 0.895


@pytest.mark.parametrize("model", ["sst2-mini", "imdb-mini"])
def test_config_json_of_a_bundled_checkpoint_is_in_the_public_form(model: str) -> None:
    values = json.loads((distilnp.load(model).folder / "config.json").read_text())

    assert values["quantization_config"]["format"] == "int-quantized"
    assert values["calibration_temperature"] > 1


def bad_numbers() -> list[object]:
    """Return numbers that Python refuses to print, and values that cannot be shown at all."""

    class Shy:
        def __repr__(self) -> str:
            raise RuntimeError("not today")

    return [10**5000, -(10**5000), Shy()]


@pytest.mark.parametrize("value", bad_numbers(), ids=["large", "negative", "shy"])
@pytest.mark.parametrize("option", ["max_length", "threads", "labels", "threshold", "sentences", "long_text"])
def test_a_value_that_cannot_be_printed_is_refused_with_our_error(
    folder: Path, option: str, value: object
) -> None:
    given = [value] * 7 if option == "labels" else value

    with pytest.raises(distilnp.DistilnpError, match=option):
        distilnp.load(folder, **{option: given})


def test_ids_and_batches_that_cannot_be_printed_are_refused_with_our_error(
    classifier: distilnp.Classifier,
) -> None:
    for value in bad_numbers():
        with pytest.raises(distilnp.DistilnpError):
            classifier.forward([[value]])
        with pytest.raises(distilnp.ArgumentError, match="batch_tokens"):
            classifier.stream(["w1"], batch_tokens=[value])
        with pytest.raises(distilnp.InputTypeError, match=r"texts\[0\]"):
            classifier([value])


@pytest.mark.parametrize("sentences", ["../../etc", "\ud800", "e", "english!", "x" * 500])
def test_the_language_of_sentences_is_a_code(folder: Path, sentences: str) -> None:
    with pytest.raises(distilnp.ArgumentError, match="expected the code of a language"):
        distilnp.load(folder, sentences=sentences)


@pytest.mark.parametrize("name", ["calibrated", "split_special_tokens", "local_files_only"])
def test_a_switch_takes_true_and_false_only(folder: Path, name: str) -> None:
    with pytest.raises(distilnp.InputTypeError, match=f"{name} is 'no', expected True or False"):
        distilnp.load(folder, **{name: "no"})


@pytest.mark.parametrize(
    ("keyword", "advice"),
    [
        ("device", "computes on the CPU"),
        ("truncation", "long_text"),
        ("top_k", "Prediction.scores"),
        ("batch_size", "batch_tokens"),
        ("calibrate", "did you mean calibrated"),
        ("zzz", "leave it out"),
    ],
)
def test_a_keyword_of_another_library_is_answered_with_what_to_write(
    folder: Path, classifier: distilnp.Classifier, keyword: str, advice: str
) -> None:
    with pytest.raises(TypeError, match=re.escape(advice)):
        distilnp.load(folder, **{keyword: 1})
    with pytest.raises(distilnp.InputTypeError, match=re.escape(advice)):
        classifier("w1", **{keyword: 1})
    with pytest.raises(distilnp.InputTypeError, match=re.escape(advice)):
        distilnp.classify("w1", folder, **{keyword: 1})


class Table:
    """A table as pandas and polars make it: iterating gives the names of its columns."""

    def __init__(self, **columns: list[str]) -> None:
        self.columns = list(columns)

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)


class ArrowTable:
    column_names = ("id", "review")


TABLES = {
    "pandas": (Table(text=["w1"], label=["1"]), "a table with the columns 'text', 'label'"),
    "arrow": (ArrowTable(), r"texts\['id'\]"),
    "no columns": (Table(), "a table with the columns none"),
    "two dimensions": (np.array([["w1", "w2"]]), "texts is ndarray, expected an iterable"),
    "no dimension": (np.array("w1"), "texts is ndarray, expected an iterable"),
    "a number": (7, "texts is int, expected an iterable"),
}


@pytest.mark.parametrize(("table", "message"), TABLES.values(), ids=TABLES)
def test_a_table_is_never_taken_for_texts(
    classifier: distilnp.Classifier, table: object, message: str
) -> None:
    for call in (classifier, classifier.classify, classifier.stream):
        with pytest.raises(distilnp.InputTypeError, match=message):
            call(table)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_the_tables_of_real_libraries_are_refused_and_their_columns_are_read(
    classifier: distilnp.Classifier, library: str
) -> None:
    module = pytest.importorskip(library)
    columns = {"id": [1, 2], "review": ["w1 w2", "w3"]}
    table = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}[library]
    frame = getattr(module, table)(columns)

    with pytest.raises(
        distilnp.InputTypeError, match=f"{type(frame).__name__}, a table with the columns 'id'"
    ):
        classifier(frame)
    assert classifier(frame["review"]) == classifier(columns["review"])


def test_a_record_or_a_batch_of_columns_is_refused_with_the_line_to_write(
    classifier: distilnp.Classifier,
) -> None:
    with pytest.raises(distilnp.InputTypeError, match=re.escape("such as record['text']")):
        classifier([{"text": "w1", "id": "7"}])
    with pytest.raises(distilnp.InputTypeError, match=re.escape("For a batch of columns, give the column")):
        classifier({"text": ["w1", "w2"]})


@pytest.mark.parametrize("batch_tokens", [1, 4096])
def test_missing_texts_have_no_answer_if_that_is_asked_for(
    classifier: distilnp.Classifier, batch_tokens: int
) -> None:
    texts = [None, words(3), float("nan"), None, words(4), None]
    one, other = classifier([words(3), words(4)])
    expected = [None, one, None, None, other, None]

    assert list(classifier.stream(texts, missing="none", batch_tokens=batch_tokens)) == expected
    assert classifier(texts, missing="none") == classifier.classify(texts, missing="none") == expected
    with pytest.raises(distilnp.InputTypeError, match=r"texts\[0\] is NoneType"):
        classifier(texts)
    with pytest.raises(distilnp.ArgumentError, match="missing is 'skip', expected 'raise' or 'none'"):
        classifier(texts, missing="skip")
    with pytest.raises(distilnp.InputTypeError, match=r"texts\[1\] is int"):
        classifier([None, 7], missing="none")


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_the_nulls_of_real_libraries_are_missing_texts(classifier: distilnp.Classifier, library: str) -> None:
    module = pytest.importorskip(library)
    values = [None, words(3)]
    column = module.array(values) if library == "pyarrow" else module.Series(values)

    answers = classifier(column, missing="none")

    assert answers == [None, classifier(words(3))]


def test_progress_is_shown_on_standard_error_and_changes_no_answer(
    classifier: distilnp.Classifier, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [words(3), words(4)]

    assert list(classifier.stream(texts, progress=True)) == classifier(texts)

    shown = capsys.readouterr()
    assert shown.out == ""
    assert "2/2" in shown.err


ADDED_TOKEN = {
    "content": "<extra>",
    "single_word": False,
    "lstrip": False,
    "rstrip": False,
    "normalized": False,
}


def test_only_a_text_with_a_token_beyond_the_embeddings_is_refused(tmp_path: Path) -> None:
    """`add_tokens` without `resize_token_embeddings`."""
    write_checkpoint(tmp_path, CONFIG, TENSORS)
    added = {str(CONFIG.vocab_size): ADDED_TOKEN | {"special": False}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": added}))
    classifier = distilnp.load(tmp_path)
    answers = classifier.stream([words(3), "w1 <extra> w2"])

    assert next(answers).logits.tobytes() == distilnp.load(tmp_path)(words(3)).logits.tobytes()
    with pytest.raises(distilnp.CheckpointError, match=r"texts\[1\] has the token '<extra>'"):
        next(answers)


@pytest.mark.parametrize(
    "id2label",
    [
        {"1": "a", "2": "b", "3": "c", "4": "d", "5": "e", "6": "f", "7": "g"},
        {str(i): "same" for i in range(7)},
        {str(i): i for i in range(7)},
        ["a", "b", "c", "d", "e", "f", "g"],
        "nonsense",
        None,
    ],
)
def test_labels_of_the_caller_replace_labels_that_cannot_be_used(tmp_path: Path, id2label: object) -> None:
    write_checkpoint(tmp_path, CONFIG, TENSORS)
    values = json.loads((tmp_path / "config.json").read_text()) | {"id2label": id2label, "num_labels": None}
    (tmp_path / "config.json").write_text(json.dumps(values))

    classifier = distilnp.load(tmp_path, labels=list("tuvwxyz"))

    assert classifier.labels == tuple("tuvwxyz")
    assert pickle.loads(pickle.dumps(classifier))(words(3)) == classifier(words(3))
