"""What the model is given of a text that is too long: a part of it, or all of it in windows.

The policies that cut are "head", which is `longest_first` of the package `tokenizers` and cuts pairs too,
"tail", and "head_tail" (Sun et al. 2019, "How to Fine-Tune BERT for Text Classification?", arXiv:1905.05583).
"windows" are those of the same package: they overlap by `stride` tokens. What a special token is stays as it
is, in each of them: [CLS] at the start, and the [SEP] without which the model has never seen a text.
"""

from collections.abc import Iterator
from typing import NamedTuple

from .choices import LongText
from .tokenizer import Encoding

# Sun et al. keep the first 128 of 510 tokens, and of the end the rest; a smaller input is shared alike.
HEAD_TOKENS, OF_TOKENS = 128, 510


class Window(NamedTuple):
    """A part of a text that the model is given by itself.

    `ids` are those of its tokens with [CLS] and [SEP]; `start` and `end`, exclusive, its span among all
    tokens without these; `n_new` how many of them are in no window before it.
    """

    ids: tuple[int, ...]
    start: int
    end: int
    n_new: int


class Place(NamedTuple):
    """Where a part of a text stands, in characters, and how many tokens are in no part before it."""

    start: int
    end: int
    n_new: int


class Passage(NamedTuple):
    """What the model is given of a text, or of a sentence of one.

    `n_tokens` is the number of all its tokens, [CLS] and [SEP] among them; `inputs` the ids of one input or,
    with the policy "windows", of each window, which `windows` says where to find.
    """

    place: Place
    n_tokens: int
    inputs: tuple[tuple[int, ...], ...]
    windows: tuple[Place, ...] = ()


def read(encoding: Encoding, start: int, end: int, max_length: int, policy: LongText, stride: int) -> Passage:
    """Choose what the model is given of the characters from `start` to `end` of a text, which are encoded.

    The first window begins where they do, the last ends where they do; between, a window is from the first
    character of its first token to the last of its last.
    """
    ids = encoding.ids
    place = Place(start, end, len(ids) - 2)
    if policy != "windows":
        return Passage(place, len(ids), (cut(encoding, max_length, policy),))
    if len(ids) <= max_length:  # offsets cost several times what ids do
        return Passage(place, len(ids), (ids,), (place,))
    offsets = encoding.offsets[1:-1]
    parts = tuple(windows(ids, max_length, stride))
    places = (
        Place(
            start + offsets[part.start][0] if part.start else start,
            start + offsets[part.end - 1][1] if part.end < len(offsets) else end,
            part.n_new,
        )
        for part in parts
    )
    return Passage(place, len(ids), tuple(part.ids for part in parts), tuple(places))


def cut(encoding: Encoding, max_length: int, policy: LongText = "head") -> tuple[int, ...]:
    """Return the ids that are kept of an `Encoding`, at most `max_length`, by a policy that cuts.

    Pairs are cut by "head" alone.
    """
    ids = encoding.ids
    if len(ids) <= max_length:
        return ids
    room = max_length - 2
    if len(encoding.lengths) == 2:
        first, second = encoding.lengths
        n_first, n_second = longest_first(first, second, room - 1)
        sep = 1 + first
        return (*ids[: 1 + n_first], *ids[sep : sep + 1 + n_second], ids[-1])
    head = min(HEAD_TOKENS, room * HEAD_TOKENS // OF_TOKENS)
    n_head = {"head": room, "tail": 0, "head_tail": head}[policy]
    return ids[: 1 + n_head] + ids[len(ids) - 1 - (room - n_head) :]


def windows(ids: tuple[int, ...], max_length: int, stride: int) -> Iterator[Window]:
    """Yield the windows of a text's `ids`: of `max_length` ids each, the last one perhaps of fewer.

    Two that follow each other share `stride` tokens; a text that fits is one window.
    """
    n, room = len(ids) - 2, max_length - 2
    start, seen = 0, 0
    while True:
        end = min(start + room, n)
        yield Window((ids[0], *ids[1 + start : 1 + end], ids[-1]), start, end, end - seen)
        if end == n:
            return
        start, seen = end - stride, end


def longest_first(first: int, second: int, room: int) -> tuple[int, int]:
    """Return how many tokens of each of two texts are kept if both together have room for `room`.

    The shorter one keeps what half of the room holds, the longer one has the rest. Of two that are equally
    long the first counts as the shorter, so an odd token goes to the second.
    """
    if first + second <= room:
        return first, second
    if first <= second:
        kept = min(first, room // 2)
        return kept, room - kept
    kept = min(second, room // 2)
    return room - kept, kept
