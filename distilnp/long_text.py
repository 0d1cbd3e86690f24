"""What the model is given of a text that is too long: part of it, or all of it in windows.

Three policies cut. "head" is `longest_first` of the package `tokenizers`, and cuts pairs too; "tail" is the
end; "head_tail" is some of both (Sun et al. 2019, "How to Fine-Tune BERT for Text Classification?",
arXiv:1905.05583). "windows" overlap by `stride` tokens, as in `tokenizers`. Special tokens stay in their
places in each part: [CLS] at the start, and at the end the [SEP] that every text had in training.
"""

from collections.abc import Iterator
from typing import NamedTuple

from .choices import LongText
from .tokenizer import Encoding

# Sun et al. keep the first 128 of 510 tokens, and the rest from the end. A smaller input keeps the same
# ratio.
HEAD_TOKENS, OF_TOKENS = 128, 510


class Window(NamedTuple):
    """Part of a text that the model is given by itself.

    Attributes
    ----------
    ids : tuple of int
        The ids of its tokens, with [CLS] and [SEP].
    first_token, end_token : int
        Its span among all tokens except [CLS] and [SEP]; end exclusive.
    n_new : int
        How many of its tokens are in no earlier window.
    """

    ids: tuple[int, ...]
    first_token: int
    end_token: int
    n_new: int


class Extent(NamedTuple):
    """Where part of a text is.

    Attributes
    ----------
    start, end : int
        Its span in characters; end exclusive.
    n_new : int
        How many of its tokens are in no earlier part, without [CLS] and [SEP].
    """

    start: int
    end: int
    n_new: int


class Passage(NamedTuple):
    """What the model is given of a text, or of one sentence.

    Attributes
    ----------
    extent : Extent
        Where the passage is in the text.
    n_tokens : int
        The number of all its tokens, [CLS] and [SEP] included.
    inputs : tuple of tuples of int
        The ids of one input or, for the policy "windows", of each window.
    windows : tuple of Extent
        Where each window is; empty for the other policies.
    """

    extent: Extent
    n_tokens: int
    inputs: tuple[tuple[int, ...], ...]
    windows: tuple[Extent, ...] = ()


def choose_passage(
    encoding: Encoding, start: int, end: int, max_length: int, policy: LongText, stride: int
) -> Passage:
    """Choose what the model is given of the characters from `start` to `end`, which `encoding` holds.

    The first window begins at `start`, the last one ends at `end`. In between, a window reaches from the
    first character of its first token to the last character of its last.
    """
    ids = encoding.ids
    extent = Extent(start, end, len(ids) - 2)
    if policy != "windows":
        return Passage(extent, len(ids), (cut(ids, encoding.lengths, max_length, policy),))
    if len(ids) <= max_length:  # offsets cost several times as much as ids
        return Passage(extent, len(ids), (ids,), (extent,))
    offsets = encoding.offsets[1:-1]
    parts = tuple(windows(ids, max_length, stride))
    extents = (
        Extent(
            start + offsets[part.first_token][0] if part.first_token else start,
            start + offsets[part.end_token - 1][1] if part.end_token < len(offsets) else end,
            part.n_new,
        )
        for part in parts
    )
    return Passage(extent, len(ids), tuple(part.ids for part in parts), tuple(extents))


def cut(
    ids: tuple[int, ...], lengths: tuple[int, ...], max_length: int, policy: LongText = "head"
) -> tuple[int, ...]:
    """Return at most `max_length` of the ids of a text, chosen by a policy that cuts; pairs only by "head".

    `lengths` is the number of tokens in each text, without [CLS] and [SEP].
    """
    if len(ids) <= max_length:
        return ids
    room = max_length - 2
    if len(lengths) == 2:
        first, second = lengths
        n_first, n_second = longest_first(first, second, room - 1)
        sep = 1 + first
        return (*ids[: 1 + n_first], *ids[sep : sep + 1 + n_second], ids[-1])
    head = min(HEAD_TOKENS, room * HEAD_TOKENS // OF_TOKENS)
    n_head = {"head": room, "tail": 0, "head_tail": head}[policy]
    return ids[: 1 + n_head] + ids[len(ids) - 1 - (room - n_head) :]


def windows(ids: tuple[int, ...], max_length: int, stride: int) -> Iterator[Window]:
    """Yield the windows of a text's `ids`: `max_length` ids in each, perhaps fewer in the last.

    Consecutive windows share `stride` tokens. A text that fits is one window.
    """
    n, room = len(ids) - 2, max_length - 2
    first, seen = 0, 0
    while True:
        end = min(first + room, n)
        yield Window((ids[0], *ids[1 + first : 1 + end], ids[-1]), first, end, end - seen)
        if end == n:
            return
        first, seen = end - stride, end


def longest_first(first: int, second: int, room: int) -> tuple[int, int]:
    """Return how many tokens of each of two texts are kept when both together have room for `room`.

    The shorter text keeps up to half of the room, and the longer one gets the rest. If both are equally long,
    the first counts as the shorter, so an odd token goes to the second.
    """
    if first + second <= room:
        return first, second
    if first <= second:
        kept = min(first, room // 2)
        return kept, room - kept
    kept = min(second, room // 2)
    return room - kept, kept
