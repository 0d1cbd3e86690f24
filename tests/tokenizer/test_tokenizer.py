"""The public face: results of `encode`, long and odd texts, threads, forks and pickles."""

import os
import pickle
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tokenizer_witness import BUNDLED, ours, witness

import distilnp.tokenizer
from distilnp.errors import InputTypeError
from distilnp.tokenizer import Tokenizer, word_cache

UNCASED, CASED = ours(BUNDLED, lowercase=True), ours(BUNDLED, lowercase=False)
RUST = witness(BUNDLED, lowercase=True)

any_text = st.text(st.characters(codec=None, categories=None) | st.characters(categories=("Cs",)))


def staged_ids(tokenizer: Tokenizer, text: str) -> list[int]:
    return [token.id for token in tokenizer.encode(text)._tokens()]


@given(any_text)
def test_the_fast_path_gives_the_ids_of_the_stages(text: str) -> None:
    for tokenizer in (UNCASED, CASED):
        assert list(tokenizer.encode(text).ids) == staged_ids(tokenizer, text)


@given(any_text, any_text)
def test_a_pair_is_two_texts_in_one_encoding(first: str, second: str) -> None:
    one, two, pair = UNCASED.encode(first), UNCASED.encode(second), UNCASED.encode(first, second)

    assert pair.ids == one.ids + two.ids[1:]
    assert [token.id for token in pair._tokens()] == list(pair.ids)
    assert pair.offsets == one.offsets + two.offsets[1:]
    assert pair.word_ids == one.word_ids + two.word_ids[1:]
    assert one.lengths + two.lengths == pair.lengths
    assert pair.sequence_ids == (None, *[0] * len(one.ids[2:]), None, *[1] * len(two.ids[2:]), None)


@given(any_text)
def test_offsets_are_spans_of_the_text_and_come_in_order(text: str) -> None:
    for tokenizer in (UNCASED, CASED):
        encoding = tokenizer.encode(text)
        *between, last = encoding.offsets[1:]

        assert encoding.offsets[0] == last == (0, 0)
        assert len(encoding.ids) == len(encoding.tokens) == len(encoding.offsets) == len(encoding)
        assert all(0 <= start < end <= len(text) for start, end in between)
        assert [start for start, _ in between] == sorted(start for start, _ in between)


@given(st.text(st.characters(max_codepoint=0x24F)))
def test_offsets_slice_the_tokens_out_of_the_text(text: str) -> None:
    encoding = CASED.encode(text)

    for token, (start, end) in zip(encoding.tokens, encoding.offsets, strict=True):
        if token not in ("[CLS]", "[SEP]", "[UNK]"):
            letters = [c for c in text[start:end] if c >= " " and not 0x7F <= ord(c) <= 0x9F and c != "\xad"]
            assert "".join(letters) == token.removeprefix("##") or token == "##"


@given(st.text(st.characters(codec="utf-8") | st.just("\ud800") | st.just("\udfff")))
def test_a_lone_surrogate_counts_as_the_replacement_character(text: str) -> None:
    replaced = text.replace("\ud800", "\ufffd").replace("\udfff", "\ufffd")

    for tokenizer in (UNCASED, CASED):
        assert tokenizer.encode(text).ids == tokenizer.encode(replaced).ids
        assert tokenizer.encode(text).offsets == tokenizer.encode(replaced).offsets


def test_a_lone_surrogate_inside_a_word_is_dropped_and_still_counted_in_offsets() -> None:
    encoding = UNCASED.encode("fi\ud83dlm")

    assert encoding.tokens == ("[CLS]", "film", "[SEP]")
    assert encoding.offsets[1] == (0, 5)


@pytest.mark.parametrize("text", ["", " ", "\n\t\r", "\u3000", "\u200b\x00"])
def test_a_text_without_words_becomes_cls_and_sep(text: str) -> None:
    assert UNCASED.encode(text).tokens == ("[CLS]", "[SEP]")


def test_an_encoding_cannot_be_changed() -> None:
    encoding = UNCASED.encode("film")

    for name in ("ids", "tokens", "offsets", "word_ids", "anything"):
        with pytest.raises(AttributeError):
            setattr(encoding, name, ())


def test_a_pickled_encoding_is_small_and_complete() -> None:
    encoding = UNCASED.encode("An unaffable film.")
    pickled = pickle.dumps(encoding)
    copy = pickle.loads(pickled)

    assert len(pickled) < 1000
    for name in ("ids", "tokens", "offsets", "word_ids", "lengths", "sequence_ids"):
        assert getattr(copy, name) == getattr(encoding, name)


def test_a_pickled_pair_keeps_the_text_of_each_token() -> None:
    encoding = UNCASED.encode("An unaffable film.", "Or not?")

    assert pickle.loads(pickle.dumps(encoding)).sequence_ids == encoding.sequence_ids


def test_a_pickled_tokenizer_gives_the_same_ids() -> None:
    assert pickle.loads(pickle.dumps(UNCASED)).encode("Unaffable!").ids == UNCASED.encode("Unaffable!").ids


@pytest.mark.parametrize("text", [b"film", None, 3, ["film"]])
def test_an_argument_that_is_not_str_is_refused(text: object) -> None:
    with pytest.raises(InputTypeError, match=f"^text is {type(text).__name__}, expected str"):
        UNCASED.encode(text)  # type: ignore[arg-type]
    if text is not None:
        with pytest.raises(InputTypeError, match=f"^text_pair is {type(text).__name__}, expected str"):
            UNCASED.encode("film", text)  # type: ignore[arg-type]


def test_a_tokenizer_states_its_size_case_and_limit() -> None:
    assert UNCASED.vocab_size == 30_522
    assert (UNCASED.lowercase, CASED.lowercase) == (True, False)
    assert UNCASED.model_max_length is None


def test_a_word_of_a_million_letters_is_unknown() -> None:
    assert UNCASED.encode("x" * 1_000_000).ids == UNCASED.encode("x" * 101).ids


@pytest.mark.parametrize(
    "unit",
    [
        "x",
        "x ",
        "!",
        "[",
        "[SEP]",
        "[SE",
        "\u0301",
        "中",
        "é",
        "\u302e\u0323",
        "\U0001d15e",
        " ",
        "한",
        "a\x00",
    ],
)
def test_a_long_text_of_one_repeated_unit_takes_linear_time(unit: str) -> None:
    """Quadratic work would take hours at this length, and the test would hang."""
    text = unit * (400_000 // len(unit))

    assert list(UNCASED.encode(text).ids) == RUST.encode(text).ids


def test_the_cache_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_cache, "MAX_WORDS", 100)
    monkeypatch.setattr(word_cache, "MAX_CHARACTERS", 100)
    tokenizer = ours(BUNDLED, lowercase=True)
    texts = [f"word{n} {chr(0x400 + n)} " + "long" * n for n in range(2000)]

    ids = [tokenizer.encode(text).ids for text in texts]

    cache = tokenizer._word_cache
    assert len(cache) <= 100
    assert len(cache._older) <= 100
    assert len(cache._characters) <= 100
    assert max(map(len, [*cache, *cache._older])) <= word_cache.MAX_WORD_SIZE
    assert ids == [UNCASED.encode(text).ids for text in texts]


def test_threads_that_share_a_tokenizer_get_the_same_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_cache, "MAX_WORDS", 50)  # so that generations change constantly
    letters = random.Random(0)
    texts = ["".join(letters.choices("abcéABC中 .\n\u0301", k=60)) for _ in range(500)]
    expected = [UNCASED.encode(text).ids for text in texts]
    tokenizer = ours(BUNDLED, lowercase=True)

    def encode_all(seed: int) -> list[tuple[int, ...]]:
        order = random.Random(seed).sample(range(len(texts)), len(texts))
        ids = {index: tokenizer.encode(texts[index]).ids for index in order}
        return [ids[index] for index in range(len(texts))]

    with ThreadPoolExecutor(8) as pool:
        assert all(ids == expected for ids in pool.map(encode_all, range(16)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_forked_during_tokenization_can_tokenize() -> None:
    script = (
        "import os, threading, sys; from support.tokenizer_witness import *\n"
        "tokenizer = ours(BUNDLED, True); done = []\n"
        "def work():\n"
        "    n = 0\n"
        "    while not done: tokenizer.encode(f'busy{n}'); n += 1\n"
        "thread = threading.Thread(target=work); thread.start()\n"
        "for _ in range(20):\n"
        "    if not (child := os.fork()):\n"
        "        os._exit(tokenizer.encode('a film').ids != (101, 1037, 2143, 102))\n"
        "    assert os.waitpid(child, 0)[1] == 0\n"
        "done.append(1); thread.join()\n"
    )
    run = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script]

    subprocess.run(run, check=True, timeout=60, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})


def test_the_package_never_uses_pythons_unicode_tables() -> None:
    forbidden = [
        "unicodedata",
        ".lower(",
        ".upper(",
        ".casefold(",
        ".isspace(",
        ".isalnum(",
        ".isalpha(",
        ".strip()",
    ]

    for path in Path(distilnp.tokenizer.__file__).parent.glob("*.py"):
        code = path.read_text(encoding="utf-8").replace("`unicodedata`, `str.lower`, `str.isspace`", "")
        assert not [name for name in forbidden if name in code], path.name
