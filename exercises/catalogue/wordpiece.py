"""The exercise wordpiece: split a word into the longest pieces of the vocabulary."""

from collections.abc import Iterable, Mapping

from distilnp.tokenizer.wordpiece import WordPiece

from ..exercise import Case, Exercise, mistake
from ..small_vocabulary import SMALL_VOCAB, bundled_vocab, settings_for, short


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


MISTAKES = (
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


def cases() -> Iterable[Case]:
    """Return words for the small vocabulary, and for that of sst2-mini."""
    for word in ("film", "films", "unaffable", "affable", "filmx", "unknown", "a" * 101, ""):
        yield Case(f"{short(word)}, a small vocabulary", (word, SMALL_VOCAB))
    for word in ("unforgettably", "moviegoers", "supercalifragilistic", "naïveté", "\u2603"):
        yield Case(f"{short(word)}, the vocabulary of sst2-mini", (word, bundled_vocab()))


EXERCISE = Exercise(
    name="wordpiece",
    part="the tokenizer",
    minutes=15,
    summary="split a word into the longest pieces of the vocabulary",
    function="wordpiece",
    package="distilnp/tokenizer/wordpiece.py",
    solution=solved_wordpiece,
    variant=wordpiece,
    mistakes=MISTAKES,
    cases=cases,
)
