"""Texts split into windows or sentences: the prediction for each part, and the one for the whole text."""

import math
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.children import MEMORY_OF_THIS_PROCESS, run_python
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint

import distilnp
from distilnp.scoring import decode

CONFIG = CONFIGS["odd-sizes"]
POLICIES = ("tail", "head_tail", "windows", "error")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "!"]
    vocab += [f"w{i}" for i in range(CONFIG.vocab_size - len(vocab))]
    return write_checkpoint(tmp_path_factory.mktemp("parts"), CONFIG, seeded_tensors(CONFIG), vocab=vocab)


@pytest.fixture(scope="module")
def plain(folder: Path) -> distilnp.Classifier:
    return distilnp.load(folder)


def words(n: int, start: int = 0) -> str:
    return " ".join(f"w{(start + i) % 200}" for i in range(n))


# -------------------------------------------------------------------------------------------------- policies


@pytest.mark.parametrize("policy", ["head", *POLICIES])
def test_a_text_that_fits_is_read_whole_by_every_policy(
    folder: Path, plain: distilnp.Classifier, policy: str
) -> None:
    for text in ("", " w1 ", words(10)):
        answer = distilnp.load(folder, max_length=12, long_text=policy)(text)

        assert answer.logits.tobytes() == plain(text).logits.tobytes()
        assert answer.scores == plain(text).scores
        assert (answer.n_tokens, answer.n_seen, answer.truncated) == (plain(text).n_tokens,) * 2 + (False,)


@pytest.mark.parametrize(
    ("policy", "seen"),
    [("head", words(510)), ("tail", words(510, 90)), ("head_tail", f"{words(128)} {words(382, 218)}")],
)
def test_a_policy_that_cuts_reports_how_much_was_seen(
    folder: Path, plain: distilnp.Classifier, policy: str, seen: str
) -> None:
    answer = distilnp.load(folder, long_text=policy)(words(600))

    assert (answer.n_tokens, answer.n_seen, answer.truncated) == (602, 512, True)
    assert answer.logits.tobytes() == plain(seen).logits.tobytes()
    assert answer.windows == answer.sentences == ()


def test_an_error_names_the_text_after_the_answers_to_those_before_it(folder: Path) -> None:
    classifier = distilnp.load(folder, max_length=8, long_text="error")
    stream = classifier.stream([words(6), words(7)])

    assert next(stream).n_tokens == 8
    with pytest.raises(distilnp.TextTooLongError, match=r"texts\[1\] has 9 tokens, expected at most 8"):
        next(stream)
    with pytest.raises(ValueError, match="texts has 9 tokens"):
        classifier(words(7))


@pytest.mark.parametrize("options", [*({"long_text": policy} for policy in POLICIES), {"sentences": True}])
def test_a_pair_is_refused_by_every_policy_except_head(folder: Path, options: dict[str, object]) -> None:
    pair = {"text": "w1", "text_pair": "w2"}
    classifier = distilnp.load(folder, **options)

    with pytest.raises(distilnp.ArgumentError, match=r"texts\[1\] is a pair of texts .*expected a single"):
        classifier([words(1), pair])
    assert distilnp.load(folder, long_text="head")(pair).n_tokens == 5
    assert classifier({"text": "w1"}).n_tokens == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"long_text": "middle"}, "long_text is 'middle', expected one of 'head', 'tail', 'head_tail', 'win"),
        ({"long_text": None}, "long_text is None, expected one of"),
        ({"long_text": "windows", "stride": 510}, "stride is 510, expected an integer from 0 to 509"),
        ({"long_text": "windows", "stride": -1}, "stride is -1"),
        ({"long_text": "windows", "stride": True}, "stride is True"),
        ({"long_text": "windows", "stride": 1.0}, "stride is 1.0"),
        ({"long_text": "windows", "max_length": 9, "stride": 7}, "stride is 7, expected .* from 0 to 6"),
        ({"stride": 5}, "stride is 5 and long_text is 'head', expected long_text='windows'"),
        ({"aggregate": "max", "long_text": "tail"}, "aggregate is 'max' and long_text is 'tail'"),
        ({"long_text": "windows", "aggregate": "min"}, "aggregate is 'min', expected one of 'mean_probs'"),
        ({"sentences": 1}, "sentences is 1, expected True, False or the code of a language"),
        ({"sentences": ""}, "sentences is ''"),
        ({"sentences": None}, "sentences is None"),
    ],
)
def test_unusable_arguments_are_refused(folder: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(distilnp.ArgumentError, match=message):
        distilnp.load(folder, **options)


# --------------------------------------------------------------------------------------------------- windows


@given(n=st.integers(0, 60), stride=st.integers(0, 6))
def test_a_window_has_the_logits_of_its_own_text(
    folder: Path, plain: distilnp.Classifier, n: int, stride: int
) -> None:
    text = f" {words(n)} "
    answer = distilnp.classify(text, folder, max_length=9, long_text="windows", stride=stride)

    assert (answer.n_tokens, answer.n_seen, answer.truncated) == (n + 2, n + 2, False)
    assert sum(window.n_new for window in answer.windows) == n
    assert (answer.windows[0].start, answer.windows[-1].end) == (0, len(text))
    for window in answer.windows:
        alone = plain(text[window.start : window.end])
        assert window.logits.tobytes() == alone.logits.tobytes()
        assert window.scores == alone.scores
        assert (window.label, window.score, window.labels) == (alone.label, alone.score, alone.labels)
        assert (window.n_tokens, window.n_seen) == (alone.n_tokens, alone.n_tokens)


def mean(values: list[float], weights: list[int]) -> float:
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)


@pytest.mark.parametrize("function", ["softmax", "sigmoid", "none"])
@pytest.mark.parametrize("aggregate", ["mean_probs", "mean_logits", "max"])
def test_scores_of_windows_are_aggregated_to_those_of_their_text(
    folder: Path, function: str, aggregate: str
) -> None:
    classifier = distilnp.load(
        folder,
        max_length=12,
        long_text="windows",
        stride=3,
        aggregate=aggregate,
        function_to_apply=function,
    )

    answer = classifier(words(41))

    parts = answer.windows
    weights = [part.n_new for part in parts]
    assert weights == [10, 7, 7, 7, 7, 3]
    logits = [mean([float(part.logits[i]) for part in parts], weights) for i in range(CONFIG.n_labels)]
    expected = {
        "mean_probs": [mean([part.scores[name] for part in parts], weights) for name in CONFIG.id2label],
        "mean_logits": decode(np.array(logits, np.float32), function),
        "max": [max(part.scores[name] for part in parts) for name in CONFIG.id2label],
    }[aggregate]
    # These are sums of six terms in float64. The mean of the logits is also rounded to float32, once.
    assert list(answer.scores.values()) == pytest.approx(expected, rel=2.0**-22)
    assert answer.logits == pytest.approx(logits, rel=2.0**-22)
    assert answer.label == CONFIG.id2label[int(np.argmax(expected))]
    assert answer.score == max(answer.scores.values())


@pytest.mark.parametrize("aggregate", ["mean_probs", "mean_logits", "max"])
@given(n=st.integers(0, 10))
def test_a_single_window_has_the_prediction_of_its_text(
    folder: Path, plain: distilnp.Classifier, aggregate: str, n: int
) -> None:
    options = {"max_length": 12, "long_text": "windows", "aggregate": aggregate}
    answer, whole = distilnp.classify(words(n), folder, **options), plain(words(n))

    assert answer.scores == whole.scores
    assert answer.logits.tobytes() == whole.logits.tobytes()
    assert (answer.label, answer.labels) == (whole.label, whole.labels)
    (window,) = answer.windows
    assert (window.start, window.end, window.n_new) == (0, len(words(n)), n)


def test_labels_are_chosen_by_the_scores_of_the_whole_text(folder: Path) -> None:
    options = {"max_length": 12, "long_text": "windows", "function_to_apply": "sigmoid", "threshold": 0.5}
    answer = distilnp.load(folder, **options)(words(100))

    assert answer.labels == tuple(name for name, score in answer.scores.items() if score > 0.5)
    assert len({window.labels for window in answer.windows}) > 1


@given(st.lists(st.integers(0, 60), max_size=6), st.integers(1, 90))
def test_windows_are_the_same_in_any_batch(folder: Path, lengths: list[int], batch_tokens: int) -> None:
    texts = [words(n, n) for n in lengths]
    classifier = distilnp.load(folder, max_length=9, long_text="windows")

    together = list(classifier.stream(texts, batch_tokens=batch_tokens))

    assert together == [classifier(text) for text in texts]
    assert [[w.logits.tobytes() for w in answer.windows] for answer in together] == [
        [w.logits.tobytes() for w in classifier(text).windows] for text in texts
    ]


@pytest.mark.parametrize(
    ("max_length", "n_words", "n_new"), [(512, 1000, [510, 446, 44]), (16, 30, [14, 12, 4]), (3, 2, [1, 1])]
)
def test_windows_overlap_by_64_tokens_or_by_an_eighth_of_a_smaller_model(
    folder: Path, max_length: int, n_words: int, n_new: list[int]
) -> None:
    classifier = distilnp.load(folder, long_text="windows", max_length=max_length)

    assert [window.n_new for window in classifier(words(n_words)).windows] == n_new


def test_predictions_with_parts_can_be_compared_hashed_and_pickled(folder: Path) -> None:
    classifier = distilnp.load(folder, max_length=12, long_text="windows", sentences=True)
    answer = classifier(words(30) + ". w1!")

    assert answer == classifier(words(30) + ". w1!")
    assert answer != classifier(words(30) + ". w2!")
    assert {answer, pickle.loads(pickle.dumps(answer))} == {answer}
    assert "w1" not in repr(answer.sentences[0])


ONE_MEGABYTE = (
    MEMORY_OF_THIS_PROCESS
    + """
import sys, distilnp

classifier = distilnp.load(sys.argv[1], long_text="windows")
classifier("w1 " * 2000)
before = memory("VmRSS")
answer = classifier("w1 " * 350_000)
print(answer.n_tokens, answer.n_seen, len(answer.windows), memory("VmHWM") - before)
"""
)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the resident size")
def test_a_text_of_one_megabyte_is_read_whole_in_bounded_memory(folder: Path) -> None:
    n_tokens, n_seen, n_windows, more = map(int, run_python(ONE_MEGABYTE, folder).stdout.split())

    assert n_tokens == n_seen == 350_002
    assert n_windows == math.ceil((350_000 - 64) / (510 - 64))
    # A token with its spelling and its span takes about 300 bytes.
    assert more < 400 * n_tokens


# ------------------------------------------------------------------------------------------------- sentences


def test_each_sentence_has_a_prediction_and_a_position_of_its_own(
    folder: Path, plain: distilnp.Classifier
) -> None:
    text = "  w1 w2. w3!\n\nw4 w5 w6 "
    answer = distilnp.load(folder, sentences=True)(text)

    assert [text[part.start : part.end] for part in answer.sentences] == ["w1 w2.", "w3!", "w4 w5 w6"]
    for part in answer.sentences:
        alone = plain(text[part.start : part.end])
        assert part.logits.tobytes() == alone.logits.tobytes()
        assert (part.label, part.scores) == (alone.label, alone.scores)
        assert (part.n_tokens, part.n_seen, part.n_new) == (
            alone.n_tokens,
            alone.n_tokens,
            alone.n_tokens - 2,
        )


def test_a_text_has_the_mean_of_its_sentences_scores(folder: Path) -> None:
    # This is the rule of coalesceSentences: Spark NLP adds up the probabilities of all sentences, unweighted.
    answer = distilnp.load(folder, sentences=True)("w1 w2 w3 w4. w5! w6 w7.")

    expected = [mean([part.scores[name] for part in answer.sentences], [1, 1, 1]) for name in CONFIG.id2label]
    # These are sums of three terms in float64.
    assert list(answer.scores.values()) == pytest.approx(expected, rel=2.0**-50)
    assert answer.label == CONFIG.id2label[int(np.argmax(expected))]
    assert (answer.n_tokens, answer.n_seen) == (7 + 4 + 5, 7 + 4 + 5)


@pytest.mark.parametrize("text", ["", " \n\n ", "w1", "\ud83d", "w1 \udc00. w2"])
def test_a_text_without_sentences_is_one_sentence(
    folder: Path, plain: distilnp.Classifier, text: str
) -> None:
    answer = distilnp.load(folder, sentences=True)(text)

    assert len(answer.sentences) == 1 + text.count(". ")
    if len(answer.sentences) == 1:
        assert answer.scores == plain(text).scores


def test_the_policy_applies_to_a_long_sentence(folder: Path) -> None:
    text = f"w7. {words(30)}. w8."
    cut = distilnp.load(folder, sentences=True, max_length=12, long_text="tail")(text)
    whole = distilnp.load(folder, sentences=True, max_length=12, long_text="windows", stride=0)(text)

    assert [part.n_seen for part in cut.sentences] == [4, 12, 4]
    assert (cut.n_tokens, cut.n_seen, cut.truncated) == (41, 20, True)
    assert not whole.truncated
    assert [len(part.windows) for part in whole.sentences] == [1, 4, 1]
    first, *_, last = whole.sentences[1].windows
    assert text[first.start : first.end] == words(10)
    assert text[last.start : last.end] == "."
    with pytest.raises(distilnp.TextTooLongError, match="the sentence at character 4 of texts has 33 tokens"):
        distilnp.load(folder, sentences=True, max_length=12, long_text="error")(text)


@given(st.text(max_size=60))
def test_sentences_are_in_order_and_leave_out_only_white_space(folder: Path, text: str) -> None:
    answer = distilnp.classify(text, folder, sentences=True)

    boundaries = [0, *(at for part in answer.sentences for at in (part.start, part.end)), len(text)]
    assert boundaries == sorted(boundaries)
    left_out = [text[end:start] for end, start in zip(boundaries[::2], boundaries[1::2], strict=True)]
    assert "".join(left_out).strip() == ""


@pytest.mark.parametrize(("language", "n_sentences"), [(True, 3), ("de", 2)])
def test_each_language_has_its_own_rules(folder: Path, language: bool | str, n_sentences: int) -> None:
    answer = distilnp.load(folder, sentences=language)("Am 3. Mai kam er. Gut.")

    assert len(answer.sentences) == n_sentences


WITHOUT_SENTENCEX = """
import sys
sys.modules["sentencex"] = None
import distilnp
distilnp.load(sys.argv[1], sentences=False)("w1")
try:
    distilnp.load(sys.argv[1], sentences=True)
except distilnp.ArgumentError as error:
    print(error)
"""


def test_a_missing_sentencex_is_an_error_that_says_how_to_install_it(folder: Path) -> None:
    run: subprocess.CompletedProcess[str] = run_python(WITHOUT_SENTENCEX, folder)

    assert 'Install it: pip install "distilnp[sentences]"' in run.stdout
