"""The exercise pre_tokenize: split a normalized text into words."""

from distilnp.tokenizer import pre_tokenize as stage_2
from distilnp.tokenizer.characters import PUNCTUATION, WHITESPACE

from ..exercise import Case, Exercise, mistake
from ..small_vocabulary import SENTENCES, aligned
from .normalize import solved_normalize


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


MISTAKES = (
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

EXERCISE = Exercise(
    name="pre_tokenize",
    part="the tokenizer",
    minutes=8,
    summary="split a normalized text into words",
    function="pre_tokenize",
    package="distilnp/tokenizer/pre_tokenize.py",
    solution=solved_pre_tokenize,
    variant=pre_tokenize,
    mistakes=MISTAKES,
    cases=lambda: (Case(repr(text), (text,)) for text in map(solved_normalize, SENTENCES)),
)
