"""The exercises of the tokenizer: `distilnp.tokenizer`, one stage after another, for text without offsets."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from distilnp.checkpoint.registry import find_checkpoint
from distilnp.tokenizer import Tokenizer, TokenizerSettings
from distilnp.tokenizer import normalize as stage_1
from distilnp.tokenizer import pre_tokenize as stage_2
from distilnp.tokenizer.characters import (
    ACCENTS,
    CHINESE,
    LOWERCASE,
    PUNCTUATION,
    REMOVED,
    WHITESPACE,
    decompose,
)
from distilnp.tokenizer.wordpiece import WordPiece

from .exercise import Case, Exercise, mistake

PART = "the tokenizer"

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
BEGINNINGS = ("un", "affable", "film", "fil", "good", "!", "'", "t", "don", "able", "a", "movie")
# Some of these are not needed for any right answer: they mislead a search from the wrong end.
CONTINUATIONS = ("##aff", "##able", "##a", "##s", "##m", "##!", "##un", "##ab", "##le")
SMALL_VOCAB = {token: i for i, token in enumerate((*SPECIAL, *BEGINNINGS, *CONTINUATIONS))}

SENTENCES = (
    "Good film!",
    "  Don't\tcall it \n 'film'...  ",
    "Crème BRÛLÉE, or cre\u0300me bru\u0302le\u0301e",
    "a bell\a rings, and a zero\u200bwidth space is gone",
    "我爱电影 and ひらがな",
    "ΟΔΟΣ is Greek",
    "$9.99 (50% off) -- #1_hit; e-mail: a@b.c",
    "",
)


def aligned(text: str) -> stage_1.AlignedText:
    """Return a text as the package's stages take it."""
    return stage_1.AlignedText(text, range(len(text)))


@cache
def bundled_vocab() -> Mapping[str, int]:
    """Return the vocabulary of sst2-mini."""
    return Tokenizer.from_folder(find_checkpoint("sst2-mini")).settings.vocab


def settings_for(vocab: Mapping[str, int]) -> TokenizerSettings:
    """Return the settings of a tokenizer with this vocabulary, lower-case."""
    return TokenizerSettings(vocab=vocab, cls_id=vocab.get("[CLS]", 0), sep_id=vocab.get("[SEP]", 0))


# ----------------------------------------------------------------------------------------------- normalize


def solved_normalize(text: str) -> str:
    """Run the package's first stage."""
    return stage_1.normalize(aligned(text), settings_for(SMALL_VOCAB)).text


def normalize(
    text: str,
    *,
    cleans: bool = True,
    whitespace: bool = True,
    chinese: bool = True,
    decomposes: bool = True,
    strips: bool = True,
    lowers: str = "table",
) -> str:
    """Normalize a text, with switches."""
    if cleans:
        text = "".join(c for c in text if c not in REMOVED)
    if whitespace:
        text = "".join(" " if c in WHITESPACE else c for c in text)
    if chinese:
        text = "".join(f" {c} " if c in CHINESE else c for c in text)
    if decomposes:
        text = "".join(decompose(c) for c in text)
    if strips:
        text = "".join(c for c in text if c not in ACCENTS)
    if lowers == "table":
        return "".join(LOWERCASE.get(c, c) for c in text)
    return text.lower() if lowers == "str.lower" else text


NORMALIZE_MISTAKES = (
    mistake("in which control characters stay", "drop the characters in REMOVED", cleans=False),
    mistake(
        "in which tabs and line ends stay",
        "replace every character in WHITESPACE by a space",
        whitespace=False,
    ),
    mistake(
        "without spaces around ideographs",
        "put a space before and after every character in CHINESE",
        chinese=False,
    ),
    mistake(
        "in which accents of composed letters stay",
        "decompose each character first: é is one character, decompose(é) is two, of which one is the accent",
        decomposes=False,
    ),
    mistake("in which accents stay", "drop the characters in ACCENTS, after decomposing", strips=False),
    mistake(
        "with str.lower",
        "str.lower looks at the neighbours of a sigma; the tokenizer lowers one character at a time: "
        "LOWERCASE.get(character, character)",
        lowers="str.lower",
    ),
    mistake(
        "that is not lower-case", "lower each character: LOWERCASE.get(character, character)", lowers="no"
    ),
)

# -------------------------------------------------------------------------------------------- pre_tokenize


def solved_pre_tokenize(text: str) -> list[str]:
    """Run the package's second stage."""
    return [word.text for word in stage_2.pre_tokenize(aligned(text))]


def pre_tokenize(
    text: str, *, punctuation: str = "words", apostrophes: bool = True, spaces: str = "whitespace"
) -> list[str]:
    """Split a text into words, with switches."""
    words, word = [], ""
    for c in text:
        is_mark = c in PUNCTUATION and (apostrophes or c != "'")
        joins = punctuation == "runs" and is_mark and word and word[-1] in PUNCTUATION
        if c == " " if spaces == "space" else c in WHITESPACE:
            words.append(word)
            word = ""
        elif is_mark and punctuation == "words":
            words += [word, c]
            word = ""
        elif is_mark and punctuation == "dropped":
            words.append(word)
            word = ""
        elif punctuation == "runs" and not joins and (is_mark or (word and word[-1] in PUNCTUATION)):
            words.append(word)
            word = c
        else:
            word += c
    words.append(word)
    return words if spaces == "empty" else [word for word in words if word]


PRE_TOKENIZE_MISTAKES = (
    mistake(
        "that only splits at spaces",
        "every character in PUNCTUATION is a word of its own",
        punctuation="kept",
    ),
    mistake(
        "in which punctuation is lost",
        "every character in PUNCTUATION is a word of its own",
        punctuation="dropped",
    ),
    mistake(
        "in which neighbouring punctuation is one word",
        'every character in PUNCTUATION is a word of its own: "..." are three words',
        punctuation="runs",
    ),
    mistake(
        "in which an apostrophe does not end a word",
        'an apostrophe is punctuation, too: "don", "\'", "t"',
        apostrophes=False,
    ),
    mistake(
        "with empty words", "two spaces have no word between them: leave out empty words", spaces="empty"
    ),
)

# ----------------------------------------------------------------------------------------------- wordpiece


def solved_wordpiece(word: str, vocab: Mapping[str, int]) -> list[str]:
    """Run the package's third stage."""
    return [piece.token for piece in WordPiece(settings_for(vocab)).tokenize(word)]


def wordpiece(
    word: str,
    vocab: Mapping[str, int],
    *,
    prefix: str = "later",
    greedy: str = "longest",
    unknown: str = "word",
    limit: int = 100,
) -> list[str]:
    """Split a word into pieces, with switches."""
    if len(word) > limit:
        return ["[UNK]"]
    pieces: list[str] = []
    start, stop = 0, len(word)
    while start < stop:
        spans = [(start, end) for end in range(stop, start, -1)]
        if greedy == "shortest":
            spans.reverse()
        elif greedy == "from the end":
            spans = [(begin, stop) for begin in range(start, stop)]
        for begin, end in spans:
            piece = ("##" if begin and prefix == "later" else "") + word[begin:end]
            if piece in vocab:
                break
        else:
            if unknown == "word":
                return ["[UNK]"]
            return [*pieces, "[UNK]"] if unknown == "rest" else pieces
        if greedy == "from the end":
            pieces.insert(0, piece)
            stop = begin
        else:
            pieces.append(piece)
            start = end
    return pieces


WORDPIECE_MISTAKES = (
    mistake(
        "without ##",
        'a piece that continues a word is looked up, and returned, with "##" in front',
        prefix="none",
    ),
    mistake(
        "that takes the longest piece from the end of the word",
        "begin at the first character, and take the longest piece that starts there",
        greedy="from the end",
    ),
    mistake(
        "that takes the shortest piece",
        "try the longest piece first: let the end go down from len(word)",
        greedy="shortest",
    ),
    mistake(
        "that keeps the pieces before the part that cannot be spelled",
        'if some part cannot be spelled, the whole word is one "[UNK]"',
        unknown="rest",
    ),
    mistake(
        "that stops where nothing fits",
        'if some part cannot be spelled, the whole word is one "[UNK]"',
        unknown="stop",
    ),
    mistake("that splits words of more than 100 characters", 'such a word is "[UNK]" at once', limit=10**6),
)


def wordpiece_cases() -> Iterable[Case]:
    """Return words for the small vocabulary, and for that of sst2-mini."""
    for word in ("film", "films", "unaffable", "affable", "filmx", "unknown", "a" * 101, ""):
        yield Case(f"{_short(word)}, a small vocabulary", (word, SMALL_VOCAB))
    for word in ("unforgettably", "moviegoers", "supercalifragilistic", "naïveté", "\u2603"):
        yield Case(f"{_short(word)}, the vocabulary of sst2-mini", (word, bundled_vocab()))


# -------------------------------------------------------------------------------------------------- encode


def solved_encode(text: str, vocab: Mapping[str, int]) -> list[int]:
    """Run the package's tokenizer."""
    return list(Tokenizer(settings_for(vocab)).encode(text).ids)


def encode(
    text: str,
    vocab: Mapping[str, int],
    *,
    normalizes: bool = True,
    cls: bool = True,
    sep: bool = True,
    splits: str = "words",
    gives: str = "ids",
) -> list[Any]:
    """Turn a text into ids, with switches."""
    text = solved_normalize(text) if normalizes else text
    words = solved_pre_tokenize(text) if splits == "words" else text.split()
    tokens = [token for word in words for token in solved_wordpiece(word, vocab)]
    tokens = ["[CLS]"] * cls + tokens + ["[SEP]"] * sep
    return [vocab[token] for token in tokens] if gives == "ids" else list(tokens)


ENCODE_MISTAKES = (
    mistake("without [CLS]", "the id of [CLS] comes first; the head reads that token", cls=False),
    mistake("without [SEP]", "the id of [SEP] comes last", sep=False),
    mistake("without [CLS] and [SEP]", "put their ids around the others", cls=False, sep=False),
    mistake("for a text that is not normalized", "normalize the text first", normalizes=False),
    mistake(
        "for words that are split only at spaces", "pre_tokenize splits punctuation off", splits="spaces"
    ),
    mistake("with tokens instead of ids", "look each token up: vocab[token]", gives="tokens"),
)


def encode_cases() -> Iterable[Case]:
    """Return sentences for both vocabularies."""
    for text in SENTENCES[:2]:
        yield Case(f"{_short(text)}, a small vocabulary", (text, SMALL_VOCAB))
    for text in SENTENCES:
        yield Case(f"{_short(text)}, the vocabulary of sst2-mini", (text, bundled_vocab()))


def _short(text: str) -> str:
    return repr(text) if len(text) < 60 else f"{text[:10]!r}... ({len(text)} characters)"


EXERCISES = (
    Exercise(
        name="normalize",
        part=PART,
        minutes=10,
        summary="rewrite a text in the spelling that the vocabulary uses",
        function="normalize",
        package="distilnp/tokenizer/normalize.py",
        solution=solved_normalize,
        variant=normalize,
        mistakes=NORMALIZE_MISTAKES,
        cases=lambda: (Case(repr(text), (text,)) for text in SENTENCES),
    ),
    Exercise(
        name="pre_tokenize",
        part=PART,
        minutes=8,
        summary="split a normalized text into words",
        function="pre_tokenize",
        package="distilnp/tokenizer/pre_tokenize.py",
        solution=solved_pre_tokenize,
        variant=pre_tokenize,
        mistakes=PRE_TOKENIZE_MISTAKES,
        cases=lambda: (Case(repr(text), (text,)) for text in map(solved_normalize, SENTENCES)),
    ),
    Exercise(
        name="wordpiece",
        part=PART,
        minutes=15,
        summary="split a word into the longest pieces of the vocabulary",
        function="wordpiece",
        package="distilnp/tokenizer/wordpiece.py",
        solution=solved_wordpiece,
        variant=wordpiece,
        mistakes=WORDPIECE_MISTAKES,
        cases=wordpiece_cases,
    ),
    Exercise(
        name="encode",
        part=PART,
        minutes=5,
        summary="all of it, from a text to ids",
        function="encode",
        package="distilnp/tokenizer/stages.py",
        solution=solved_encode,
        variant=encode,
        mistakes=ENCODE_MISTAKES,
        cases=encode_cases,
    ),
)
