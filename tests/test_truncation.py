"""The cut to `max_length`, live against the Rust package `tokenizers`."""

from functools import cache

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from tokenizer_witness import BUNDLED, ours, witness

from distilnp.truncation import cut, longest_first

OURS = ours(BUNDLED, lowercase=True)


@cache
def truncating(max_length: int) -> tokenizers.Tokenizer:
    rust = witness(BUNDLED, lowercase=True)
    rust.enable_truncation(max_length, strategy="longest_first")
    return rust


# Words of one token and of several, so that a cut falls between and inside words.
texts = st.lists(st.sampled_from(["film", "unaffable", "[SEP]", "é"]), max_size=12).map(" ".join)


@given(texts, texts, st.integers(3, 20))
def test_a_pair_keeps_what_tokenizers_keeps(first: str, second: str, max_length: int) -> None:
    kept = cut(OURS.encode(first, second), max_length)

    assert list(kept) == truncating(max_length).encode(first, second).ids


@given(texts, st.integers(3, 20))
def test_a_text_keeps_what_tokenizers_keeps(text: str, max_length: int) -> None:
    assert list(cut(OURS.encode(text), max_length)) == truncating(max_length).encode(text).ids


def test_every_pair_of_lengths_and_every_room_is_cut_as_tokenizers_cuts() -> None:
    for max_length in range(3, 14):
        rust = truncating(max_length)
        for first in range(14):
            for second in range(14):
                sequence_ids = rust.encode("film " * first, "film " * second).sequence_ids
                expected = (sequence_ids.count(0), sequence_ids.count(1))
                assert longest_first(first, second, max_length - 3) == expected


@pytest.mark.parametrize(
    ("first", "second", "room", "kept"),
    [
        (3, 4, 7, (3, 4)),  # all fits
        (2, 9, 7, (2, 5)),  # the longer one gives
        (9, 2, 7, (5, 2)),
        (9, 8, 7, (4, 3)),  # both give: the longer one has the odd token
        (8, 9, 7, (3, 4)),
        (9, 9, 7, (3, 4)),  # of two that are equally long, the second
        (9, 9, 0, (0, 0)),
    ],
)
def test_longest_first(first: int, second: int, room: int, kept: tuple[int, int]) -> None:
    assert longest_first(first, second, room) == kept
