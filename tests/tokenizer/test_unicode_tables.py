"""That the frozen tables are what the witness does today, and that reading them gives what was written."""

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


def test_the_tables_are_those_that_were_frozen() -> None:
    """A digest, so that no edit by hand goes unseen; that the content is right is proved below."""
    content = Path(unicode_tables.__file__).read_bytes()

    assert hashlib.sha256(content).hexdigest() == (
        "c97407ee5a172b6f1a07466e3b222b1fa63ad6eff51215da1d72ef6713f0e1ec"
    )


@pytest.mark.sweep
def test_freezing_again_gives_the_same_file() -> None:
    script = ROOT / "tests" / "witness" / "freeze_unicode.py"

    assert subprocess.run([sys.executable, script, "--check"], check=False, timeout=900).returncode == 0


def test_a_character_set_is_its_ranges() -> None:
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
def test_the_sizes_that_were_counted(characters: CharacterSet, size: int) -> None:
    assert sum(1 for _ in characters) == size


def test_the_maps_against_the_witness_at_every_entry() -> None:
    nfd = tokenizers.normalizers.NFD().normalize_str
    lowercase = tokenizers.normalizers.BertNormalizer(False, False, False, True).normalize_str

    assert len(LOWERCASE) == 1_488
    assert {c: lowercase(c) for c in LOWERCASE} == LOWERCASE
    assert len(DECOMPOSITIONS) == 13_232 - 11_172
    assert {c: nfd(c) for c in DECOMPOSITIONS} == DECOMPOSITIONS
    assert all(decompose(c) == nfd(c) for c in map(chr, range(0xAC00 - 1, 0xD7A3 + 1)))


def test_the_order_of_the_marks_against_the_witness() -> None:
    nfd = tokenizers.normalizers.NFD().normalize_str
    one_of_each_class = {rank: mark for mark, rank in COMBINING_CLASS.items()}

    for mark, rank in COMBINING_CLASS.items():
        for other_rank, other in one_of_each_class.items():
            assert (nfd(other + mark) == mark + other) == (rank < other_rank or other == mark)
