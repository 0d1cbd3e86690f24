"""Texts without labels for a teacher to score: sentences of IMDB's reviews, and new ones made of SST-2's.

Both look like SST-2, which is in lower case and follows the Penn Treebank: punctuation stands apart, "don't"
is "do n't", and quotation marks are `` and ''.
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

import sst2

WORDS = range(4, 46)  # of a sentence: SST-2 has hardly any longer sentence, and shorter ones say little
SWAPPED = range(2, 9)  # words of a phrase that another takes the place of

BREAK = re.compile(r"(?:<br />)+|(?<=[.!?])\s+(?=[\"'(]?[A-Z])|(?<=[.!?][\"')])\s+(?=[\"'(]?[A-Z])")
TREEBANK = [
    (re.compile(r'(^|(?<=[\s(]))"'), r"`` "),
    (re.compile(r'"'), r" '' "),
    (re.compile(r"\.{2,}"), r" ... "),
    (re.compile(r"-{2,}|\s-\s"), r" -- "),
    (re.compile(r"([;:!?()\[\]/&$%*])"), r" \1 "),
    (re.compile(r",(?!\d)"), r" , "),
    (re.compile(r"(?<![.\s])\.(?=[\s')]*$)"), r" ."),
    (re.compile(r"n't\b"), r" n't"),
    (re.compile(r"(?<=\w)'(?=(?:s|m|d|re|ve|ll)\b)"), r" '"),
    (re.compile(r"(?<=\w)'(?=\s|$)"), r" '"),
    (re.compile(r"(?<=\s)'(?=\w{3})|^'(?=\w)"), r"` "),
]


def treebank(sentence: str) -> str:
    """Write a sentence the way SST-2 does."""
    sentence = sentence.lower()
    for pattern, replacement in TREEBANK:
        sentence = pattern.sub(replacement, sentence)
    return " ".join(sentence.split())


def sentences(reviews: Iterable[str]) -> list[str]:
    """Return every sentence of the reviews once, as SST-2 would write it."""
    found = (treebank(part) for review in reviews for part in BREAK.split(review))
    return list(dict.fromkeys(text for text in found if len(text.split()) in WORDS))


def swapped(examples: list[sst2.Example], rng: random.Random) -> Iterator[str]:
    """Yield, without end, sentences in which one phrase has taken the place of another.

    The phrases of SST-2 are constituents. One that begins with the same word is mostly one of the same kind,
    so that the sentence stays English.
    """
    alike = defaultdict(list)
    for example in examples:
        words = tuple(example.text.split())
        if len(words) in SWAPPED:
            alike[words[0]].append(words)
    phrases = {phrase for group in alike.values() if len(group) > 1 for phrase in group}
    whole = [words for example in examples if len(words := example.text.split()) >= sst2.MIN_WORDS]
    while True:
        words = rng.choice(whole)
        places = [
            (at, at + n)
            for n in SWAPPED
            for at in range(len(words) - n + 1)
            if tuple(words[at : at + n]) in phrases
        ]
        if places:
            start, stop = rng.choice(places)
            new = " ".join([*words[:start], *rng.choice(alike[words[start]]), *words[stop:]])
            if new != " ".join(words):
                yield new
