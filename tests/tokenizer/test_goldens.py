"""Comparisons with frozen digests of the Rust package's results, which a new version cannot change."""

import json
from itertools import islice
from pathlib import Path

import pytest
from support.tokenizer_witness import (
    BUNDLED,
    GOLDENS,
    TEXTS_PER_BLOCK,
    code_point_blocks,
    digest,
    edge_cases,
    ours,
    parts,
    vocabularies,
)

CASES = {"uncased": True, "cased": False}


def golden(name: str) -> dict[str, dict[str, str]]:
    return json.loads((GOLDENS / name).read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def differing_blocks(case: str, every: int) -> list[str]:
    """Return the differing blocks of 256 code points; check every `every`-th block that repeats a digest."""
    tokenizer, digests = ours(BUNDLED, CASES[case]), golden("code_points.json")[case]
    expected, differing = "", []
    for start, text in code_point_blocks().items():
        is_new = f"{start:X}" in digests
        expected = digests.get(f"{start:X}", expected)
        if (is_new or start // 256 % every == 0) and digest([tokenizer.encode(text)]) != expected:
            differing.append(f"U+{start:04X}")
    return differing


# The cased tokenizer takes the same stages but one.
@pytest.mark.parametrize("case", ["uncased", pytest.param("cased", marks=pytest.mark.sweep)])
def test_a_sample_of_the_code_points_gives_the_frozen_digests(case: str) -> None:
    assert differing_blocks(case, every=256) == []


@pytest.mark.sweep
@pytest.mark.parametrize("case", CASES)
def test_all_code_points_give_the_frozen_digests(case: str) -> None:
    assert differing_blocks(case, every=1) == []


@pytest.mark.parametrize("case", CASES)
def test_edge_cases_give_the_frozen_digest(case: str) -> None:
    tokenizer = ours(BUNDLED, CASES[case])

    assert digest(map(tokenizer.encode, edge_cases())) == golden("edge_cases.json")[case][0]


@pytest.mark.parametrize("corpus", ["emoji", "udhr", "sst2"])  # one block of imdb takes as long as all three
@pytest.mark.parametrize("name", ["uncased", "cased", "multilingual"])
def test_the_first_block_of_a_corpus_gives_the_frozen_digest(data: Path, name: str, corpus: str) -> None:
    tokenizer = ours(*vocabularies(data)[name])
    texts = islice(parts(data)[corpus](), TEXTS_PER_BLOCK)

    assert digest(map(tokenizer.encode, texts)) == golden("corpora.json")[name][corpus][0]


@pytest.mark.sweep
@pytest.mark.parametrize("corpus", ["emoji", "udhr", "sst2", "imdb"])
@pytest.mark.parametrize("name", ["uncased", "cased", "multilingual"])
def test_whole_corpora_give_the_frozen_digests(data: Path, name: str, corpus: str) -> None:
    tokenizer = ours(*vocabularies(data)[name])
    texts = iter(parts(data)[corpus]())

    for index, expected in enumerate(golden("corpora.json")[name][corpus]):
        block = list(islice(texts, TEXTS_PER_BLOCK))
        assert digest(map(tokenizer.encode, block)) == expected, f"from text {index * TEXTS_PER_BLOCK}"
    assert next(texts, None) is None
