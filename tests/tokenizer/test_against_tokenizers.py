"""Live comparisons with the Rust package, on texts from hypothesis and every corpus in `DISTILNP_DATA`."""

from dataclasses import replace
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from support.tokenizer_witness import (
    BUNDLED,
    SPECIAL_TOKENS,
    differences,
    edge_cases,
    ours,
    parts,
    same,
    scalar_values,
    vocabularies,
    witness,
)

from distilnp.tokenizer import AddedToken, Tokenizer, TokenizerSettings

PAIRS = [(witness(BUNDLED, lowercase), ours(BUNDLED, lowercase)) for lowercase in (True, False)]

# Letters with and without accents, before and after normalization, so that few words become unknown.
LETTERS = "aeéEÉiİoOx中각ガ\u0301\u0307\u302e\u1b44\u0f71\U0001d165\u1100\u1161"
VOCAB = {
    token: index
    for index, token in enumerate(
        ["[UNK]", "[CLS]", "[SEP]", *LETTERS, *(f"##{letter}" for letter in LETTERS)]
    )
}

# Strings that the rules treat specially, so that hypothesis combines them in one short text.
hard_parts = st.sampled_from(
    [
        *SPECIAL_TOKENS,
        *("[SEP", "[sep]", " ", "\t", "\n", "\x00", "\x1c", "\x85", "\u200d", "\u3000", "\ufffd", "\ue000"),
        *("film", "Film", "FILM", "unaffable", "x" * 99, "##ing", "don't", "<br />", "/", "_", "$", "5.00"),
        *(
            "é",
            "e\u0301",
            "İ",
            "ΟΔΟΣ",
            "ß",
            "ǆ",
            "ﬁ",
            "Å",
            "ς",
            "中",
            "\U0002b820",
            "\U0002b920",
            "한",
            "각",
            "ガ",
        ),
        *(
            "\u0301",
            "\u0323",
            "\u302e",
            "\u1b44",
            "\u0f73",
            "\u05b0",
            "\u0345",
            "\u0344",
            "\U0001d15e",
            "\U0001d16d",
        ),
        *("\u08d4", "\u1dfb", "\u2e43", "\u166d", "👍🏽", "👩‍💻", "🫠", "\u0378", "\U0010ffff", "\u0600"),
    ]
)
hard_text = st.lists(hard_parts | st.sampled_from(LETTERS) | st.characters(codec="utf-8"), max_size=20).map(
    "".join
)


@given(st.text(st.characters(codec="utf-8")))
def test_any_text_gives_the_results_of_the_witness(text: str) -> None:
    for rust, tokenizer in PAIRS:
        assert same(tokenizer.encode(text), rust.encode(text))


@given(hard_text)
def test_a_hard_text_gives_the_results_of_the_witness(text: str) -> None:
    for rust, tokenizer in PAIRS:
        assert same(tokenizer.encode(text), rust.encode(text))


@given(
    hard_text,
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_every_combination_of_normalizer_switches_gives_the_results_of_the_witness(
    text: str, clean_text: bool, handle_chinese_chars: bool, strip_accents: bool, lowercase: bool
) -> None:
    switches = {
        "clean_text": clean_text,
        "handle_chinese_chars": handle_chinese_chars,
        "strip_accents": strip_accents,
        "lowercase": lowercase,
    }
    rust = tokenizers.Tokenizer(tokenizers.models.WordPiece(VOCAB, unk_token="[UNK]"))
    rust.normalizer = tokenizers.normalizers.BertNormalizer(**switches)
    rust.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    rust.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    settings = TokenizerSettings(vocab=VOCAB, cls_id=1, sep_id=2, **switches)

    assert same(Tokenizer(settings).encode(text), rust.encode(text))


@given(hard_text, hard_text)
def test_a_pair_gives_the_results_of_the_witness(first: str, second: str) -> None:
    for rust, tokenizer in PAIRS:
        assert same(tokenizer.encode(first, second), rust.encode(first, second))


@given(hard_text, hard_text)
def test_a_pair_with_a_normalized_added_token_gives_the_results_of_the_witness(
    first: str, second: str
) -> None:
    rust = witness(BUNDLED, lowercase=True)
    rust.add_tokens([tokenizers.AddedToken("film e", normalized=True)])
    settings = PAIRS[0][1].settings
    token = AddedToken("film e", len(settings.vocab), normalized=True)
    tokenizer = Tokenizer(replace(settings, added_tokens=(*settings.added_tokens, token)))

    assert same(tokenizer.encode(first, second), rust.encode(first, second))


def test_edge_cases_give_the_results_of_the_witness() -> None:
    for rust, tokenizer in PAIRS:
        assert not [text for text in differences(rust, tokenizer, edge_cases()) if text is not None]


def test_every_499th_scalar_value_gives_the_results_of_the_witness() -> None:
    for spelled in ("?", "a?b", "a ? b"):
        for rust, tokenizer in PAIRS:
            texts = scalar_values(spelled, step=499)
            assert not [text for text in differences(rust, tokenizer, texts) if text is not None]


@pytest.mark.parametrize("corpus", ["emoji", "udhr", "sst2", "imdb"])
@pytest.mark.parametrize("name", ["uncased", "cased", "multilingual"])
def test_a_sample_of_every_corpus_gives_the_results_of_the_witness(
    data: Path, name: str, corpus: str
) -> None:
    vocabulary = vocabularies(data)[name]
    rust, tokenizer = witness(*vocabulary), ours(*vocabulary)
    step = {"emoji": 10, "udhr": 200, "sst2": 200, "imdb": 1000}[corpus]
    texts = [text for index, text in enumerate(parts(data)[corpus]()) if index % step == 0]

    assert not [text for text in differences(rust, tokenizer, texts) if text is not None]


@pytest.mark.sweep
@pytest.mark.parametrize("part", ["alone", "letters", "spaces"])
def test_every_scalar_value_gives_the_results_of_the_witness(part: str) -> None:
    for rust, tokenizer in PAIRS:
        assert not [text for text in differences(rust, tokenizer, parts(None)[part]()) if text is not None]
