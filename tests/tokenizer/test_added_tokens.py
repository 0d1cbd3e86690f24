"""Added tokens with every combination of flags, in examples and live comparisons with the Rust package."""

import json
from typing import Any

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from support.tokenizer_witness import BUNDLED, ours, same, witness

from distilnp.tokenizer import AddedToken, Tokenizer, TokenizerSettings
from distilnp.tokenizer.files import read_settings

VOCAB = {
    token: index
    for index, token in enumerate(
        ["[UNK]", "[CLS]", "[SEP]", "a", "b", "my", "##a", "##b", "##my", "é", "中"]
    )
}


def tokenizer_of(*added_tokens: AddedToken, split_special_tokens: bool = False) -> Tokenizer:
    return Tokenizer(
        TokenizerSettings(
            vocab=VOCAB,
            cls_id=1,
            sep_id=2,
            added_tokens=added_tokens,
            split_special_tokens=split_special_tokens,
        )
    )


def spelled(tokenizer: Tokenizer, text: str) -> str:
    return "|".join(tokenizer.encode(text).tokens[1:-1])


@pytest.mark.parametrize(
    ("flags", "text", "tokens"),
    [
        ({}, "a <x> b<x>b", "a|<x>|b|<x>|b"),
        ({}, "<X>", "[UNK]|[UNK]|[UNK]"),
        ({"normalized": True}, "<X>", "<x>"),
        (
            {"single_word": True},
            "<x> a<x> <x>b (<x>)",
            "<x>|a|[UNK]|[UNK]|[UNK]|[UNK]|[UNK]|[UNK]|b|[UNK]|<x>|[UNK]",
        ),
        ({"lstrip": True}, "a  <x> b", "a|  <x>|b"),
        ({"rstrip": True}, "a <x>\u3000 b", "a|<x>\u3000 |b"),
        ({"lstrip": True, "rstrip": True}, "<x> <x>", "<x> |<x>"),
        ({"rstrip": True, "content": " "}, "a  b", "a|  | |b"),
        ({"lstrip": True, "rstrip": True, "content": " "}, "a  b", "a|  |b"),
        (
            {"lstrip": True, "normalized": True},
            "中<X>",
            "中| <x>",
        ),  # the space is one of those around an ideograph
    ],
)
def test_each_flag_changes_where_a_token_matches(flags: dict[str, Any], text: str, tokens: str) -> None:
    assert spelled(tokenizer_of(AddedToken(**{"content": "<x>", "id": 11} | flags)), text) == tokens


def test_the_longest_token_wins() -> None:
    tokenizer = tokenizer_of(AddedToken("<x", 11), AddedToken("<x>", 12), AddedToken("x>y", 13))

    assert spelled(tokenizer, "<x><x<x>y") == "<x>|<x|<x>|[UNK]"


def test_a_typed_special_token_matches_exactly() -> None:
    uncased = ours(BUNDLED, lowercase=True)

    assert spelled(uncased, "hello[SEP]world") == "hello|[SEP]|world"
    assert spelled(uncased, "[sep] [ SEP ]") == "[|sep|]|[|sep|]"


def test_split_special_tokens_makes_special_tokens_plain_text() -> None:
    tokenizer = tokenizer_of(
        AddedToken("[SEP]", 2, special=True), AddedToken("<x>", 11), split_special_tokens=True
    )

    assert 2 not in tokenizer.encode("a[SEP]b").ids[1:-1]
    assert 11 in tokenizer.encode("a<x>b").ids


contents = st.text("aAmy <>é\u0301中 \t_", min_size=1, max_size=4).filter(lambda text: text.strip("\u0301"))
added_tokens = st.lists(
    st.fixed_dictionaries(
        {
            "content": contents | st.sampled_from(["my", "[SEP]", "a b"]),
            **{flag: st.booleans() for flag in ("single_word", "lstrip", "rstrip", "normalized", "special")},
        }
    ),
    max_size=4,
)
texts = st.lists(
    st.sampled_from([*"aAbmyMY <>éÉ中\u0301\u0323\t\u3000_-", "my", "[SEP]", "a b", "  "]), max_size=12
).map("".join)


@given(added_tokens, st.lists(texts, min_size=3, max_size=6), st.booleans(), st.booleans())
def test_added_tokens_are_those_of_the_witness(
    tmp_path_factory: pytest.TempPathFactory,
    added: list[dict[str, object]],
    given_texts: list[str],
    lowercase: bool,
    split_special_tokens: bool,
) -> None:
    """Go through a tokenizer.json, to compare also the ids that the witness gives to new tokens."""
    serialized = {
        "version": "1.0",
        "added_tokens": [{"id": 500 + index, **token} for index, token in enumerate(added)],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": lowercase,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": VOCAB,
        },
    }
    folder = tmp_path_factory.mktemp("added")
    (folder / "tokenizer.json").write_text(json.dumps(serialized), encoding="utf-8")
    rust = tokenizers.Tokenizer.from_str(json.dumps(serialized))
    rust.encode_special_tokens = split_special_tokens
    tokenizer = Tokenizer.from_folder(folder, split_special_tokens=split_special_tokens)

    assert {t.content: t.id for t in tokenizer.settings.added_tokens} == {
        token.content: token_id for token_id, token in rust.get_added_tokens_decoder().items()
    }
    for text in given_texts:
        assert same(tokenizer.encode(text), rust.encode(text))


def test_the_bundled_special_tokens_are_those_of_the_witness() -> None:
    rust = witness(BUNDLED, lowercase=True)
    tokens = read_settings(BUNDLED.parent).added_tokens

    assert {t.content: t.id for t in tokens} == {
        token.content: token_id for token_id, token in rust.get_added_tokens_decoder().items()
    }


@given(
    st.sets(st.text("ab<é 中", min_size=1, max_size=6).filter(str.strip), min_size=30, max_size=80),
    st.lists(st.text("ab<é 中x", max_size=40), min_size=3, max_size=6),
)
def test_many_tokens_that_begin_alike_are_those_of_the_witness(spellings: set[str], texts: list[str]) -> None:
    rust = tokenizers.Tokenizer(tokenizers.models.WordPiece(VOCAB, unk_token="[UNK]"))
    rust.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    rust.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    rust.add_tokens([tokenizers.AddedToken(spelling, normalized=False) for spelling in sorted(spellings)])
    tokenizer = tokenizer_of(*(AddedToken(t, rust.token_to_id(t)) for t in sorted(spellings)))

    for text in [*texts, "".join(sorted(spellings))]:
        assert list(tokenizer.encode(text).ids[1:-1]) == rust.encode(text).ids


class Counting(dict[str, AddedToken]):
    """A dict that counts its look-ups."""

    n = 0

    def get(self, *arguments: Any) -> Any:
        self.n += 1
        return super().get(*arguments)


@pytest.mark.parametrize("n_tokens", [10, 1_000, 100_000])
def test_a_search_does_not_take_longer_for_more_tokens(n_tokens: int) -> None:
    tokenizer = tokenizer_of(*(AddedToken(f"<t{i:06}>", 11 + i) for i in range(n_tokens)))
    finder = tokenizer._stages.added_tokens.raw
    finder.tokens = Counting(finder.tokens)

    ids = tokenizer.encode("a <t000003><b <<t <t9> b" * 100).ids

    assert ids.count(14) == 100
    # A look-up for each place where "<t" and the first digit of a token stand.
    assert finder.tokens.n <= 200


@pytest.mark.parametrize("flags", [{"rstrip": True}, {"lstrip": True}, {"lstrip": True, "rstrip": True}])
@pytest.mark.parametrize("text", [" " * 4_000, " a" * 2_000, "\u3000 \t" * 1_000])
def test_white_space_around_tokens_of_white_space_is_looked_at_a_few_times(
    flags: dict[str, bool], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Looks:
        n = 0

        def __contains__(self, character: str) -> bool:
            self.n += 1
            return character in " \t\u3000"

    looks = Looks()
    monkeypatch.setattr("distilnp.tokenizer.added_tokens.WHITESPACE", looks)

    tokenizer_of(AddedToken(" ", 11, **flags)).encode(text)

    assert looks.n <= 3 * len(text)
