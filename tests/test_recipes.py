"""The part of a text that the recipes train on, and the texts that they hold out of training.

Only the recipes' modules that do without torch are tested here.
"""

import importlib.util
import random
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import distilnp

RECIPES = Path(__file__).parents[1] / "weights" / "recipes"
CLS, SEP = 101, 102


def recipe(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, RECIPES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where another recipe finds it
    spec.loader.exec_module(module)
    return module


imdb, sst2 = recipe("imdb"), recipe("sst2")
measures, unlabelled = recipe("measures"), recipe("unlabelled")


def review(n: int) -> list[int]:
    """Return ids that show their position: [CLS], n consecutive numbers, [SEP]."""
    return [CLS, *range(1000, 1000 + n), SEP]


@given(n=st.integers(0, 1500), epoch=st.integers(0, 5), seed=st.integers(0, 9))
def test_a_training_step_sees_a_part_of_a_review_between_cls_and_sep(n: int, epoch: int, seed: int) -> None:
    length = (128, 256, 512, 512, 512, 512)[epoch]
    ids = review(n)

    shown = imdb.shown(ids, epoch, random.Random(seed))

    assert len(shown) == min(len(ids), length)
    assert (shown[0], shown[-1]) == (CLS, SEP)
    inner = shown[1:-1]
    if epoch < 2:
        assert inner == list(range(inner[0], inner[0] + len(inner))) if inner else n == 0
        assert set(inner) <= set(ids)
    elif n > 510:
        assert inner == ids[1:129] + ids[-383:-1]
    else:
        assert shown == ids


def test_every_part_of_a_review_is_shown() -> None:
    ids = review(200)
    rng = random.Random(0)

    starts = {imdb.shown(ids, 0, rng)[1] for _ in range(2000)}

    # A part has 126 of the 200 tokens, so it can start at 75 of them.
    assert starts == set(range(1000, 1000 + 75))


@given(st.integers(0, 1500))
def test_a_review_is_evaluated_on_its_head(n: int) -> None:
    ids = review(n)

    judged = imdb.judged(ids)

    assert judged == (ids if n <= 510 else [*ids[:511], SEP])
    assert len(judged) <= 512


def test_the_phrases_of_a_held_out_sentence_are_not_in_the_training_set() -> None:
    sentences = [" ".join(f"{word}{i}" for word in "abcdefghij") for i in range(6)]
    phrases = [" ".join(sentence.split()[at : at + 3]) for sentence in sentences for at in (0, 4)]
    examples = [sst2.Example(text, i % 2) for i, text in enumerate(sentences + phrases)]

    train, held_out = sst2.hold_out(examples, 2)

    assert (train, held_out) == sst2.hold_out(examples, 2)
    assert len(held_out) == 2
    assert {example.text for example in held_out} <= set(sentences)
    assert len(train) == len(examples) - 2 * 3
    assert not any(one.text in sentence.text for one in train for sentence in held_out)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("It isn't Bob's, they'll say.", "it is n't bob 's , they 'll say ."),
        ('A "great" film (really)!', "a `` great '' film ( really ) !"),
        ('"Dull," he said...', "`` dull , '' he said ..."),
        ("Mr. Smith paid 1,000 - too much", "mr. smith paid 1,000 -- too much"),
        ("the so-called 'art' of it; why?", "the so-called ` art ' of it ; why ?"),
        ("I can't, won't and don't care.", "i ca n't , wo n't and do n't care ."),
    ],
)
def test_a_sentence_is_written_as_sst2_writes_it(written: str, expected: str) -> None:
    assert unlabelled.treebank(written) == expected
    assert unlabelled.treebank(expected) == expected


def test_the_sentences_of_reviews_are_taken_once_and_of_a_fit_length() -> None:
    reviews = ["I liked it a lot. Boring!<br /><br />It is the best.", "I liked it a lot. " + "So " * 50]

    assert unlabelled.sentences(reviews) == ["i liked it a lot .", "it is the best ."]


def test_a_swap_puts_another_phrase_with_the_same_first_word_into_a_sentence() -> None:
    kept, end = "one two three four five six", "seven eight nine"
    examples = [sst2.Example(text, 0) for text in (f"{kept} a b {end}", "a b", "a c d", "e f")]
    swapped = unlabelled.swapped(examples, random.Random(0))

    assert {next(swapped) for _ in range(50)} == {f"{kept} a c d {end}"}


def test_mcnemar_counts_what_only_one_gets_right() -> None:
    ours, theirs = np.array([1] * 7 + [0] * 3, bool), np.array([1] * 2 + [0] * 6 + [1] * 2, bool)

    gained, lost, p = measures.mcnemar(ours, theirs)

    assert (gained, lost) == (5, 2)
    assert p == pytest.approx(2 * (1 + 7 + 21) / 2**7)
    assert measures.mcnemar(ours, ours) == (0, 0, 1.0)


def test_the_table_by_length_has_every_sentence_once() -> None:
    texts = [" ".join(["word"] * n) for n in range(1, 61)]

    rows = measures.by_length(texts, {"all": np.ones(60, bool), "none": np.zeros(60, bool)})

    assert rows[1] == "| 11 to 20 | 10/10 = 1.0000 | 0/10 = 0.0000 |"
    assert sum(int(re.search(r"/(\d+)", row)[1]) for row in rows) == 60


def test_held_out_reviews_are_not_in_the_training_set(data: Path) -> None:
    train, held_out = imdb.load(data / "imdb")

    texts = [example.text for example in train + held_out]
    assert len(set(texts)) == len(texts) == 24_904  # 25,000 without 96 copies
    assert len(held_out) == 2500
    assert (train, held_out) == imdb.load(data / "imdb")
    assert imdb.measured(data / "imdb") == held_out
    # Each class has half of them, within four standard deviations of a random choice.
    assert abs(sum(example.label for example in held_out) - 1250) < 100


@pytest.mark.sweep  # finding the phrases takes a while
def test_neither_held_out_sentences_nor_those_of_dev_are_in_the_training_set(data: Path) -> None:
    train, held_out = sst2.load(data / "sst2")
    dev = sst2.measured(data / "sst2")

    assert len(held_out) == len({example.text for example in held_out}) == 500
    everything = "\n".join(f" {example.text} " for example in held_out)
    assert not any(f" {example.text} " in everything for example in train)
    assert len(dev) == 872
    assert {example.label for example in dev} == {0, 1}
    assert not {example.text for example in train} & {example.text for example in dev}


@pytest.mark.sweep  # 2,500 reviews of up to 512 tokens
def test_imdb_mini_keeps_its_accuracy_on_the_held_out_reviews(data: Path) -> None:
    held_out = imdb.measured(data / "imdb")
    answers = distilnp.classify((review.text for review in held_out), "imdb-mini")

    n_right = sum(
        answer.label == imdb.LABELS[review.label] for answer, review in zip(answers, held_out, strict=True)
    )
    card = (RECIPES.parent / "imdb-mini" / "README.md").read_text()
    assert f"{n_right}/2500" in card
    assert n_right / 2500 >= 0.92
