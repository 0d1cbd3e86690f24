"""How long texts are cut or split into windows, compared live with the Rust package `tokenizers`."""

from functools import cache
from itertools import pairwise

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from support.tokenizer_witness import BUNDLED, ours, witness

from distilnp.choices import LongText
from distilnp.long_text import choose_passage, cut, longest_first, windows
from distilnp.tokenizer import Encoding

OURS = ours(BUNDLED, lowercase=True)


@cache
def truncating(max_length: int, stride: int = 0, direction: str = "right") -> tokenizers.Tokenizer:
    rust = witness(BUNDLED, lowercase=True)
    rust.enable_truncation(max_length, stride=stride, strategy="longest_first", direction=direction)
    return rust


def cut_encoding(encoding: Encoding, max_length: int, policy: LongText = "head") -> tuple[int, ...]:
    return cut(encoding.ids, encoding.lengths, max_length, policy)


# Some words have one token and some have several, so that cuts fall between words and inside them.
texts = st.lists(st.sampled_from(["film", "unaffable", "[SEP]", "é"]), max_size=12).map(" ".join)


@given(texts, texts, st.integers(3, 20))
def test_a_pair_keeps_the_ids_that_tokenizers_keeps(first: str, second: str, max_length: int) -> None:
    kept = cut_encoding(OURS.encode(first, second), max_length)

    assert list(kept) == truncating(max_length).encode(first, second).ids


@given(texts, st.integers(3, 20))
def test_a_text_keeps_the_ids_that_tokenizers_keeps(text: str, max_length: int) -> None:
    assert list(cut_encoding(OURS.encode(text), max_length)) == truncating(max_length).encode(text).ids


@given(texts, st.integers(3, 20))
def test_the_tail_has_the_ids_that_tokenizers_keeps_when_it_cuts_on_the_left(
    text: str, max_length: int
) -> None:
    kept = cut_encoding(OURS.encode(text), max_length, "tail")

    assert list(kept) == truncating(max_length, direction="left").encode(text).ids


@given(texts, st.integers(3, 20))
def test_head_tail_keeps_both_ends_of_the_text(text: str, max_length: int) -> None:
    ids = OURS.encode(text).ids
    kept = cut_encoding(OURS.encode(text), max_length, "head_tail")
    n_head = (max_length - 2) * 128 // 510

    assert len(kept) == min(len(ids), max_length)
    if len(ids) > max_length:
        assert kept[: 1 + n_head] == ids[: 1 + n_head]
        assert kept[1 + n_head :] == ids[1 + n_head - max_length :]


def test_head_tail_keeps_the_128_and_382_tokens_of_the_paper_in_512_positions() -> None:
    encoding = OURS.encode("film " * 128 + "bore " * 1000 + "film " * 382)
    film = OURS.encode("film").ids[1]

    assert cut_encoding(encoding, 512, "head_tail")[1:-1] == (film,) * 510


@given(texts, st.integers(3, 20), st.data())
def test_windows_are_those_of_tokenizers(text: str, max_length: int, data: st.DataObject) -> None:
    stride = data.draw(st.integers(0, max_length - 3))
    expected = truncating(max_length, stride).encode(text)

    ids = [list(window.ids) for window in windows(OURS.encode(text).ids, max_length, stride)]

    assert ids == [expected.ids, *(overflowing.ids for overflowing in expected.overflowing)]


@given(st.integers(0, 300), st.integers(3, 40), st.data())
def test_windows_see_every_token_once_except_in_their_overlap(
    n: int, max_length: int, data: st.DataObject
) -> None:
    stride = data.draw(st.integers(0, max_length - 3))
    ids = (-1, *range(n), -2)

    parts = list(windows(ids, max_length, stride))

    assert [i for part in parts for i in part.ids[len(part.ids) - 1 - part.n_new : -1]] == list(range(n))
    assert sum(part.n_new for part in parts) == n
    for part in parts:
        assert part.ids == (-1, *range(part.first_token, part.end_token), -2)
        assert len(part.ids) <= max_length
    for before, after in pairwise(parts):
        assert len(before.ids) == max_length
        assert before.end_token - after.first_token == stride
        assert after.n_new >= 1


@given(texts.filter(bool), st.integers(3, 20), st.integers(0, 5))
def test_a_window_reports_the_characters_that_it_covers(text: str, max_length: int, start: int) -> None:
    encoding = OURS.encode(text)
    end = start + len(text)
    found = choose_passage(encoding, start, end, max_length, "windows", 0)

    assert found.n_tokens == len(encoding.ids)
    assert (found.windows[0].start, found.windows[-1].end) == (start, end)
    first = 0
    for extent, ids in zip(found.windows, found.inputs, strict=True):
        spans = encoding.offsets[1 + first : len(ids) - 1 + first]
        first += len(spans)
        for span_start, span_end in spans:
            assert extent.start <= start + span_start <= start + span_end <= extent.end


def test_pairs_of_all_lengths_are_cut_as_tokenizers_cuts_them() -> None:
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
        (3, 4, 7, (3, 4)),  # both fit
        (2, 9, 7, (2, 5)),  # only the longer one is cut
        (9, 2, 7, (5, 2)),
        (9, 8, 7, (4, 3)),  # both are cut; the longer one keeps the odd token
        (8, 9, 7, (3, 4)),
        (9, 9, 7, (3, 4)),  # if they are equally long, the second keeps it
        (9, 9, 0, (0, 0)),
    ],
)
def test_longest_first_cuts_the_longer_text_first(
    first: int, second: int, room: int, kept: tuple[int, int]
) -> None:
    assert longest_first(first, second, room) == kept
