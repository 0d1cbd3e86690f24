"""Against digests of what the Rust package gave: proof without that package, and without the texts."""

import json
from itertools import islice
from pathlib import Path

import pytest
from support.tokenizer_witness import (
    BUNDLED,
    GOLDENS,
    TEXTS_A_BLOCK,
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
    """Return the blocks of 256 that differ; of those that are like the one before, look at some only."""
    tokenizer, digests = ours(BUNDLED, CASES[case]), golden("code_points.json")[case]
    expected, differing = "", []
    for start, text in code_point_blocks().items():
        is_new = f"{start:X}" in digests
        expected = digests.get(f"{start:X}", expected)
        if (is_new or start // 256 % every == 0) and digest([tokenizer.encode(text)]) != expected:
            differing.append(f"U+{start:04X}")
    return differing


@pytest.mark.parametrize("case", CASES)
def test_code_points(case: str) -> None:
    assert differing_blocks(case, every=64) == []


@pytest.mark.sweep
@pytest.mark.parametrize("case", CASES)
def test_all_code_points(case: str) -> None:
    assert differing_blocks(case, every=1) == []


@pytest.mark.parametrize("case", CASES)
def test_edge_cases(case: str) -> None:
    tokenizer = ours(BUNDLED, CASES[case])

    assert digest(map(tokenizer.encode, edge_cases())) == golden("edge_cases.json")[case][0]


@pytest.mark.parametrize("corpus", ["emoji", "udhr", "sst2"])  # a block of imdb takes as long as all of these
@pytest.mark.parametrize("name", ["uncased", "cased", "multilingual"])
def test_the_first_block_of_a_corpus(data: Path, name: str, corpus: str) -> None:
    tokenizer = ours(*vocabularies(data)[name])
    texts = islice(parts(data)[corpus](), TEXTS_A_BLOCK)

    assert digest(map(tokenizer.encode, texts)) == golden("corpora.json")[name][corpus][0]


@pytest.mark.sweep
@pytest.mark.parametrize("corpus", ["emoji", "udhr", "sst2", "imdb"])
@pytest.mark.parametrize("name", ["uncased", "cased", "multilingual"])
def test_all_corpora(data: Path, name: str, corpus: str) -> None:
    tokenizer = ours(*vocabularies(data)[name])
    texts = iter(parts(data)[corpus]())

    for index, expected in enumerate(golden("corpora.json")[name][corpus]):
        block = list(islice(texts, TEXTS_A_BLOCK))
        assert digest(map(tokenizer.encode, block)) == expected, f"texts {index * TEXTS_A_BLOCK} and on"
    assert next(texts, None) is None
