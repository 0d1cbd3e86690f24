"""Sentences: those of one call of sentencex, in linear time, by the rules of the language."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentencex import get_sentence_boundaries

from distilnp import ArgumentError
from distilnp.sentences import LANGUAGES, PIECE, language_code, sentence_spans

SENTENCES = (
    "Dr. Smith paid $3.50 for it. ",
    "“Why?” she asked (he was late). ",
    'He said: "No. Never." Then he left! ',
    "It's Tom's 'best' film... ",
    "Größe 3. Mai, z.B. 你好。 再见！ ",
    "no capital, no full stop\n",
    "1. A list.\n2. Of two.\n",
)


def asked_at_once(text: str, language: str = "en") -> list[tuple[int, int]]:
    """Return the sentences that sentencex finds in the whole text, without white space around them."""
    spans = []
    for found in get_sentence_boundaries(language, text):
        start, end = found["start_index"], found["end_index"]
        sentence = text[start:end]
        if sentence.strip():
            start += len(sentence) - len(sentence.lstrip())
            spans.append((start, start + len(sentence.strip())))
    return spans or [(0, len(text))]


def paragraphs(seed: int, n_characters: int, longest: int) -> str:
    """Return a text of random paragraphs, as books and articles have them."""
    draw = random.Random(seed)
    text = ""
    while len(text) < n_characters:
        paragraph = ""
        while len(paragraph) < longest * draw.random():
            paragraph += draw.choice(SENTENCES)
        text += paragraph + draw.choice(("\n\n", "\r\n\r\n"))
    return text


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("seed", range(8))
def test_pieces_move_no_border_of_a_text_of_paragraphs(seed: int, language: str) -> None:
    text = paragraphs(seed, PIECE * 5, 2 + PIECE // (2 << seed))

    assert sentence_spans(text, language) == asked_at_once(text, language)


@given(st.text(max_size=60) | st.lists(st.sampled_from(SENTENCES)).map("".join))
def test_a_text_of_one_piece_is_asked_about_as_it_is(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()

    assert sentence_spans(text, "en") == asked_at_once(text)


PATTERNS = (
    "“a. ",
    "« a. ",
    "“a ",
    '"a. ',
    "(a. ",
    "[a. ",
    "'a. ",
    "a",
    "a ",
    "a\n",
    ".",
    "?! ",
    "a.b@c. ",
    "\n\n",
)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_calls_for_any_text_are_short_and_few(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the time is linear, whatever sentencex does with a piece."""
    lengths = []

    def counted(language: str, text: str) -> list[dict[str, int]]:
        lengths.append(len(text))
        return get_sentence_boundaries(language, text)

    monkeypatch.setattr("sentencex.get_sentence_boundaries", counted)
    text = pattern * (5 * PIECE // len(pattern))

    spans = sentence_spans(text, "en")

    assert max(lengths) <= PIECE
    assert sum(lengths) <= 2 * len(text) + PIECE
    places = [0, *(place for span in spans for place in span), len(text)]
    assert places == sorted(places)
    left_out = [text[end:start] for end, start in zip(places[::2], places[1::2], strict=True)]
    assert spans == [(0, len(text))] or "".join(left_out).strip() == ""


@pytest.mark.parametrize("at", ["\n", " "])
def test_a_sentence_longer_than_a_piece_is_cut_where_a_line_or_a_word_ends(at: str) -> None:
    text = (("word " * 9 + "word")[:-1] + at) * (2 * PIECE // 49)

    first, *_ = sentence_spans(text, "en")

    assert PIECE - 50 <= first[1] <= PIECE
    assert text[first[1]] == at


@pytest.mark.parametrize("code", ["de", "DE", "de-DE", "de_DE", "de-AT", "De_ch", "de-Latn-DE"])
def test_a_code_with_a_region_takes_the_rules_of_its_language(code: str) -> None:
    text = "Am 3. Mai kam er. Gut."

    assert language_code(code) == "de"
    assert sentence_spans(text, code) == asked_at_once(text, "de") != asked_at_once(text, "en")


@pytest.mark.parametrize("code", ["sv", "cs", "be-tarask", "nds-nl", "xx"])
def test_a_language_without_rules_of_its_own_is_left_to_sentencex(code: str) -> None:
    assert language_code(code) == code
    assert code not in LANGUAGES.split()


@pytest.mark.parametrize(
    "code", ["../../etc", "e", "english", "en ", "en\n", "\ud800", "de--at", "-", "ｅｎ", "x" * 10_000]
)
def test_text_that_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(ArgumentError, match=r"sentences is '.*expected the code of a language") as raised:
        sentence_spans("A text.", code)

    assert len(str(raised.value).encode()) < 400
