"""Write `distilnp/tokenizer/unicode_tables.py`: what the `tokenizers` package does to every scalar value.

    python tests/witness/freeze_unicode.py            write the file (half a minute)
    python tests/witness/freeze_unicode.py --check    write nothing; exit 1 if the file would change

This script never uses Python's `unicodedata`. The Rust package mixes tables of several Unicode versions, so
its behaviour can only be observed. Each table answers one question, through the smallest public part of the
package that can answer it.
"""

import argparse
import sys
import textwrap
from collections.abc import Callable, Iterable
from functools import cmp_to_key
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import WordLevel

TABLES = Path(__file__).parents[2] / "distilnp" / "tokenizer" / "unicode_tables.py"

SCALAR_VALUES = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
HANGUL_SYLLABLES = range(0xAC00, 0xD7A4)

# Marks of the canonical combining classes 1 and 240, the lowest and the highest.
LOWEST_MARK, HIGHEST_MARK = "\u0334", "\u0345"


def bert_normalizer(**switched_on: bool) -> Callable[[str], str]:
    """Return a BertNormalizer that runs only the given steps."""
    steps = dict.fromkeys(("clean_text", "handle_chinese_chars", "strip_accents", "lowercase"), False)
    normalizer = normalizers.BertNormalizer(**{**steps, **switched_on})
    return normalizer.normalize_str  # type: ignore[no-any-return]


def word_characters() -> list[str]:
    """Return the characters that keep a neighbouring single-word added token from matching: its `\\w`."""
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.add_tokens([AddedToken("<>", single_word=True, normalized=False)])
    return [c for c in SCALAR_VALUES if len(tokenizer.encode("<>" + c).ids) == 1]


def combining_classes(nonstarters: list[str], nfd: Callable[[str], str]) -> list[list[str]]:
    """Sort marks by the order in which NFD puts two of them; marks that it does not reorder share a class."""

    def compare(a: str, b: str) -> int:
        return (nfd(a + b) != a + b) - (nfd(b + a) != b + a)

    classes: list[list[str]] = []
    for mark in sorted(nonstarters, key=cmp_to_key(compare)):
        if classes and compare(classes[-1][0], mark) == 0:
            classes[-1].append(mark)
        else:
            classes.append([mark])
    return classes


def runs(code_points: Iterable[int]) -> list[tuple[int, int]]:
    """Join neighbouring code points into runs (first, last)."""
    joined: list[tuple[int, int]] = []
    for code_point in sorted(code_points):
        if joined and joined[-1][1] == code_point - 1:
            joined[-1] = (joined[-1][0], code_point)
        else:
            joined.append((code_point, code_point))
    return joined


def as_ranges(characters: Iterable[str]) -> str:
    """Spell a set of characters as `21-2F 3A`."""
    return " ".join(
        f"{first:X}" if first == last else f"{first:X}-{last:X}"
        for first, last in runs(ord(c) for c in characters)
    )


def as_shifts(mapping: dict[str, str]) -> str:
    """Spell a one-to-one map: `41-5A>61` maps a run, `100-12E/2>101` every second character of a run."""
    shifts: list[list[int]] = []  # first, last, step, shift
    for code_point, target in sorted((ord(c), ord(t)) for c, t in mapping.items()):
        shift = target - code_point
        if shifts and shifts[-1][3] == shift:
            first, last, step, _ = shifts[-1]
            if code_point - last == step or (first == last and code_point - last == 2):
                shifts[-1][1:3] = code_point, code_point - last
                continue
        shifts.append([code_point, code_point, 1, shift])
    return " ".join(
        f"{first:X}"
        + (f"-{last:X}" if last > first else "")
        + ("/2" if step == 2 else "")
        + f">{first + shift:X}"
        for first, last, step, shift in shifts
    )


def as_expansions(mapping: dict[str, str]) -> str:
    """Spell a map of one character to several as `C0=41.300`."""
    return " ".join(
        f"{ord(c):X}=" + ".".join(f"{ord(t):X}" for t in target) for c, target in sorted(mapping.items())
    )


def observe() -> dict[str, tuple[str, str]]:
    """Return each table's name, the comment above it, and its spelling."""
    clean = bert_normalizer(clean_text=True)
    chinese = bert_normalizer(handle_chinese_chars=True)
    strip = bert_normalizer(strip_accents=True)
    lower = bert_normalizer(lowercase=True)
    nfd = normalizers.NFD().normalize_str
    pieces = pre_tokenizers.BertPreTokenizer().pre_tokenize_str

    n_pieces = {c: len(pieces(f"a{c}a")) for c in SCALAR_VALUES}
    whitespace = [c for c in SCALAR_VALUES if n_pieces[c] == 2]
    punctuation = [c for c in SCALAR_VALUES if n_pieces[c] == 3]
    removed = [c for c in SCALAR_VALUES if clean(c) == ""]
    isolated = [c for c in SCALAR_VALUES if chinese(c) != c]
    decompositions = {c: nfd(c) for c in SCALAR_VALUES if nfd(c) != c}
    accents = [c for c in SCALAR_VALUES if c not in decompositions and strip(c) == ""]
    nonstarters = [
        c
        for c in SCALAR_VALUES
        if c not in decompositions
        and (nfd(HIGHEST_MARK + c) != HIGHEST_MARK + c or nfd(c + LOWEST_MARK) != c + LOWEST_MARK)
    ]
    lowercase = {c: lower(c) for c in SCALAR_VALUES if lower(c) != c}

    # The tables are a complete description only if these assertions hold.
    is_accent, is_removed, is_whitespace = set(accents), set(removed), set(whitespace)
    assert set(n_pieces.values()) == {1, 2, 3}
    for c in SCALAR_VALUES:
        assert is_removed.isdisjoint(c) or clean(c) == ""
        assert not is_removed.isdisjoint(c) or clean(c) == (" " if c in is_whitespace else c)
        assert strip(c) == "".join(d for d in decompositions.get(c, c) if d not in is_accent)
    assert all(chinese(c) == f" {c} " for c in isolated)

    hangul = {c: d for c, d in decompositions.items() if ord(c) in HANGUL_SYLLABLES}
    assert len(hangul) == len(HANGUL_SYLLABLES)  # one rule of arithmetic replaces 11,172 entries
    others = {c: d for c, d in decompositions.items() if c not in hangul}

    classes = combining_classes(nonstarters, nfd)
    return {
        "WHITESPACE": (
            "White_Space. `clean_text` drops some of these and replaces the others with a space.",
            as_ranges(whitespace),
        ),
        "REMOVED": (
            "`clean_text` drops these: U+0000, U+FFFD, categories Cc, Cf, Co. Unassigned ones stay.",
            as_ranges(removed),
        ),
        "CHINESE": (
            "`handle_chinese_chars` isolates these. Where the witness has 2B920, Google's list has 2B820.",
            as_ranges(isolated),
        ),
        "PUNCTUATION": (
            "Each of these is a word of its own: ASCII punctuation, and category P of about Unicode 8.",
            as_ranges(punctuation),
        ),
        "ACCENTS": (
            "`strip_accents` drops these after NFD: category Mn of about Unicode 8.",
            as_ranges(accents),
        ),
        "WORD": (
            "The `\\w` that a match of a `single_word` added token must not touch.",
            as_ranges(word_characters()),
        ),
        "COMBINING_CLASSES": (
            "Marks that NFD sorts, one class after another in the order of the sort.",
            " | ".join(as_ranges(marks) for marks in classes),
        ),
        "LOWERCASE": (
            "One character to one. A sigma at the end of a word is mapped like any other.",
            as_shifts({c: t for c, t in lowercase.items() if len(t) == 1}),
        ),
        "LOWERCASE_EXPANSIONS": (
            "One character to several.",
            as_expansions({c: t for c, t in lowercase.items() if len(t) > 1}),
        ),
        "DECOMPOSITIONS": (
            "Full canonical decompositions, without those of the Hangul syllables.",
            as_expansions(others),
        ),
    }


def render() -> str:
    """Return the text of `unicode_tables.py`."""
    parts = [
        '"""The frozen behaviour of the witness, the Rust package `tokenizers`, on every character.\n\n'
        "Generated by tests/witness/freeze_unicode.py; do not edit. Numbers are hexadecimal code points.\n"
        'The spellings are those that `characters.py` reads.\n"""\n',
        f'WITNESS = "tokenizers {tokenizers.__version__}"\n',
    ]
    for name, (comment, spelling) in observe().items():
        parts.append(f'# {comment}\n{name} = """\n{textwrap.fill(spelling, 108)}\n"""\n')
    return "\n".join(parts)


def main() -> int:
    """Write the tables, or check that the file would stay the same."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 on a difference")
    arguments = parser.parse_args()
    text = render()
    if not arguments.check:
        TABLES.write_text(text, encoding="utf-8")
        return 0
    same = TABLES.read_text(encoding="utf-8") == text
    print(
        f"{TABLES.name}: {'reproduced' if same else 'DIFFERS from the behaviour of this tokenizers package'}"
    )
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
