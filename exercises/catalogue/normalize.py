"""The exercise normalize: rewrite a text in the spelling that the vocabulary uses."""

from distilnp.tokenizer import normalize as stage_1
from distilnp.tokenizer.characters import ACCENTS, CHINESE, LOWERCASE, REMOVED, WHITESPACE, decompose

from ..exercise import Case, Exercise, mistake
from ..small_vocabulary import SENTENCES, SMALL_VOCAB, aligned, settings_for


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


MISTAKES = (
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

EXERCISE = Exercise(
    name="normalize",
    part="the tokenizer",
    minutes=10,
    summary="rewrite a text in the spelling that the vocabulary uses",
    function="normalize",
    package="distilnp/tokenizer/normalize.py",
    solution=solved_normalize,
    variant=normalize,
    mistakes=MISTAKES,
    cases=lambda: (Case(repr(text), (text,)) for text in SENTENCES),
)
