"""What of a text that is too long the model is given: its head, or the heads of two.

The strategy is `longest_first` of the package `tokenizers`, which transformers uses. What a special token is
stays as it is: [CLS] at the start, and the [SEP] without which the model has never seen a text.
"""

from .tokenizer import Encoding


def cut(encoding: Encoding, max_length: int) -> tuple[int, ...]:
    """Return the ids that are kept of an `Encoding`, at most `max_length`."""
    ids = encoding.ids
    if len(ids) <= max_length:
        return ids
    if len(encoding.lengths) == 1:
        return (*ids[: max_length - 1], ids[-1])
    first, second = encoding.lengths
    n_first, n_second = longest_first(first, second, max_length - 3)
    sep = 1 + first
    return (*ids[: 1 + n_first], *ids[sep : sep + 1 + n_second], ids[-1])


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
