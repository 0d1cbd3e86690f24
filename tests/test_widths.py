"""The width of text on a terminal: emoji and wide scripts, with wcwidth and without it."""

import sys
from types import ModuleType

import pytest

from distilnp import widths
from distilnp.widths import columns_of, fit

COLUMNS = {
    "": 0,
    "abc": 3,
    "é": 1,
    "e\u0301": 1,  # the accent is a character of its own
    "世界": 4,
    "ﾊﾛｰ": 3,  # of half width
    "한글": 4,
    "😀": 2,
    "👍🏽": 2,  # with a colour of skin
    "👩‍👩‍👧": 2,  # three people, joined
    "👩🏽‍🚀": 2,
    "❤️": 2,  # a heart of one column, made an emoji
    "🏳️‍🌈": 2,
    "🇩🇪": 2,
    "1️⃣": 2,
    "a\u200db": 2,  # nothing is joined
}


@pytest.fixture(params=["without wcwidth", "with wcwidth"])
def _tables(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    widths._width.cache_clear()
    if request.param == "without wcwidth":
        monkeypatch.setitem(sys.modules, "wcwidth", None)
    else:
        pytest.importorskip("wcwidth")
    yield
    widths._width.cache_clear()


@pytest.mark.usefixtures("_tables")
@pytest.mark.parametrize("text", COLUMNS)
def test_a_text_takes_its_columns(text: str) -> None:
    assert columns_of(text) == COLUMNS[text]


@pytest.mark.usefixtures("_tables")
def test_a_text_is_cut_to_the_room_and_never_inside_of_an_emoji() -> None:
    text = "a👩‍👩‍👧b世界👍🏽c\x1bd"
    whole = fit(text, None)
    pieces = ["a", "👩‍👩‍👧", "b", "世", "界", "👍🏽", "c", "␛", "d"]
    beginnings = ["".join(pieces[:n]) for n in range(len(pieces) + 1)]
    assert whole == "a👩‍👩‍👧b世界👍🏽c␛d"
    for room in range(1, columns_of(whole) + 2):
        cut = fit(text, room)
        assert columns_of(cut) <= room
        assert cut == whole or cut.endswith("…")
        assert cut.removesuffix("…") in beginnings
    assert fit("abc", 3) == "abc"
    assert fit("abcd", 3) == "ab…"


def test_what_wcwidth_says_of_a_character_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("wcwidth")
    module.wcwidth = lambda character: {"x": 2, "y": -1}.get(character, 1)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wcwidth", module)
    widths._width.cache_clear()
    assert columns_of("xyzé") == 4
    widths._width.cache_clear()
