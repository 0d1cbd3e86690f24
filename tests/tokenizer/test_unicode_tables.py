"""The frozen tables match the witness, and reading them gives the characters that were written."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import tokenizers

from distilnp.tokenizer import unicode_tables
from distilnp.tokenizer.characters import (
    ACCENTS,
    CHINESE,
    COMBINING_CLASS,
    DECOMPOSITIONS,
    LOWERCASE,
    PUNCTUATION,
    REMOVED,
    WHITESPACE,
    WORD,
    CharacterSet,
    decompose,
)

ROOT = Path(__file__).parents[2]


def test_the_frozen_tables_are_unedited() -> None:
    """A digest detects edits by hand; the tests below prove that the content is right."""
    content = Path(unicode_tables.__file__).read_bytes()

    assert hashlib.sha256(content).hexdigest() == (
        "3ee05308b0d92d38c2d8440a2413d5861800e235e983a8f5fcafb89f77076a50"
    )


@pytest.mark.sweep
def test_freezing_again_gives_the_same_file() -> None:
    script = ROOT / "tests" / "witness" / "freeze_unicode.py"

    assert subprocess.run([sys.executable, script, "--check"], check=False, timeout=900).returncode == 0


def test_a_character_set_contains_the_characters_of_its_ranges() -> None:
    characters = CharacterSet("21-23 3A")

    assert list(characters) == ["!", '"', "#", ":"]
    assert [c for c in map(chr, range(128)) if c in characters] == list(characters)


@pytest.mark.parametrize(
    ("characters", "size"),
    [
        (WHITESPACE, 25),
        (REMOVED, 137_681),
        (CHINESE, 81_264),
        (PUNCTUATION, 726),
        (ACCENTS, 1_549),
        (WORD, 144_667),
    ],
)
def test_each_character_set_has_the_size_that_was_counted(characters: CharacterSet, size: int) -> None:
    assert sum(1 for _ in characters) == size


def test_every_entry_of_the_maps_is_that_of_the_witness() -> None:
    nfd = tokenizers.normalizers.NFD().normalize_str
    lowercase = tokenizers.normalizers.BertNormalizer(False, False, False, True).normalize_str

    assert len(LOWERCASE) == 1_488
    assert {c: lowercase(c) for c in LOWERCASE} == LOWERCASE
    assert len(DECOMPOSITIONS) == 13_232 - 11_172
    assert {c: nfd(c) for c in DECOMPOSITIONS} == DECOMPOSITIONS
    assert all(decompose(c) == nfd(c) for c in map(chr, range(0xAC00 - 1, 0xD7A3 + 1)))


def test_marks_are_sorted_as_the_witness_sorts_them() -> None:
    nfd = tokenizers.normalizers.NFD().normalize_str
    one_of_each_class = {rank: mark for mark, rank in COMBINING_CLASS.items()}

    for mark, rank in COMBINING_CLASS.items():
        for other_rank, other in one_of_each_class.items():
            assert (nfd(other + mark) == mark + other) == (rank < other_rank or other == mark)
