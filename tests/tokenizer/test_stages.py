"""Examples of each stage that can be checked by eye, with vocabularies of a few words."""

import pytest

from distilnp.tokenizer import Tokenizer, TokenizerSettings
from distilnp.tokenizer.normalize import AlignedText, normalize
from distilnp.tokenizer.pre_tokenize import pre_tokenize
from distilnp.tokenizer.wordpiece import WordPiece


def settings(words: str = "", **changes: object) -> TokenizerSettings:
    vocab = {token: index for index, token in enumerate(f"[UNK] [CLS] [SEP] {words}".split())}
    return TokenizerSettings(vocab=vocab, cls_id=1, sep_id=2, **changes)  # type: ignore[arg-type]


def aligned(text: str) -> AlignedText:
    return AlignedText(text, range(len(text)))


@pytest.mark.parametrize(
    ("given", "uncased", "cased"),
    [
        ("Crème BRÛLÉE", "creme brulee", "Crème BRÛLÉE"),
        ("a\tb\nc\u00a0d\u3000e", "a b c d e", "a b c d e"),
        ("a\x00b\u200bc\ufffdd\ue000e", "abcde", "abcde"),  # NUL, Cf, U+FFFD, Co
        ("a\u0378b", "a\u0378b", "a\u0378b"),  # unassigned, so kept
        ("ab中c", "ab 中 c", "ab 中 c"),
        ("\U0002b820 \U0002b920", "\U0002b820  \U0002b920 ", "\U0002b820  \U0002b920 "),
        ("ひらがな 한", "ひらかな \u1112\u1161\u11ab", "ひらがな 한"),
        ("ΟΔΟΣ", "οδοσ", "ΟΔΟΣ"),  # no final sigma
        ("İ", "i", "İ"),
        ("a\u302e\u0323b", "a\u302eb", "a\u302e\u0323b"),
    ],
)
def test_normalize_spells_a_text_as_the_vocabulary_does(given: str, uncased: str, cased: str) -> None:
    assert normalize(aligned(given), settings()).text == uncased
    assert normalize(aligned(given), settings(lowercase=False, strip_accents=False)).text == cased


def test_without_strip_accents_a_capital_can_become_two_characters() -> None:
    normalized = normalize(aligned("aİb"), settings(strip_accents=False))

    assert normalized == AlignedText("ai\u0307b", [0, 1, 1, 2])


def test_normalize_records_where_each_character_came_from() -> None:
    assert normalize(aligned("\x00Éa中"), settings()) == AlignedText("ea 中 ", [1, 2, 3, 3, 3])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("don't!", "don ' t !"),
        ("$5.00 a_b", "$ 5 . 00 a _ b"),
        ("«a»—b…", "« a » — b …"),
        ("a\u0085b\vc", "a b c"),
        ("", ""),
        (" \u2009 ", ""),
        ("\u2e43a", "\u2e43a"),  # punctuation since Unicode 9, so not isolated
        ("\u166da", "\u166d a"),  # punctuation until Unicode 11, and still isolated
    ],
)
def test_pre_tokenize_splits_at_whitespace_and_punctuation(given: str, words: str) -> None:
    assert [word.text for word in pre_tokenize(aligned(given))] == words.split()


@pytest.mark.parametrize(
    ("vocabulary", "word", "pieces"),
    [
        ("un ##aff ##able", "unaffable", "un ##aff ##able"),
        ("un ##aff ##able unaff", "unaffable", "unaff ##able"),
        ("un ##aff ##able unaffable", "unaffable", "unaffable"),
        ("un ##aff", "unaffable", "[UNK]"),  # the whole word is unknown
        ("ab ##c ##cd a ##bcd", "abcde", "[UNK]"),
        ("abc ##de a ##bcde", "abcde", "abc ##de"),
        ("ab a ##bc", "abc", "[UNK]"),  # greedy: "a ##bc" would fit, but "ab" is longer than "a"
        ("##a", "a", "[UNK]"),
    ],
)
def test_wordpiece_takes_the_longest_piece_first(vocabulary: str, word: str, pieces: str) -> None:
    wordpiece = WordPiece(settings(vocabulary))

    assert [piece.token for piece in wordpiece.tokenize(word)] == pieces.split()
    assert wordpiece.ids(word) == [piece.id for piece in wordpiece.tokenize(word)]


@pytest.mark.parametrize(("length", "known"), [(99, True), (100, True), (101, False)])
def test_a_word_of_more_than_100_characters_is_unknown(length: int, known: bool) -> None:
    tokenizer = Tokenizer(settings("a ##a"))

    assert tokenizer.encode("a" * length).tokens == (
        ("[CLS]", "a", *["##a"] * (length - 1), "[SEP]") if known else ("[CLS]", "[UNK]", "[SEP]")
    )


def test_encode_runs_one_stage_after_another() -> None:
    tokenizer = Tokenizer(settings("un ##aff ##able ! 中"))

    encoding = tokenizer.encode(" Unàffable!!\n中")

    assert encoding.tokens == ("[CLS]", "un", "##aff", "##able", "!", "!", "中", "[SEP]")
    assert encoding.ids == (1, 3, 4, 5, 6, 6, 7, 2)
    assert encoding.offsets == ((0, 0), (1, 3), (3, 6), (6, 10), (10, 11), (11, 12), (13, 14), (0, 0))
    assert encoding.word_ids == (None, 0, 0, 0, 1, 2, 3, None)
