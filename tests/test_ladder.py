"""The ladders of benchmarks/ladder: every rung is right at every size, and the page climbs them in order."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from support.comparisons import assert_same_bits, assert_within
from support.seeded_models import params_of, seeded_ids, seeded_tensors

from distilnp.kernels.tiles import KC, MC, NC, Tile, Tiles
from distilnp.model import int8, reference
from distilnp.model.config import DistilBertConfig
from distilnp.native.loader import no_numba

if why := no_numba():
    pytest.skip(why, allow_module_level=True)

from benchmarks.ladder import __main__ as command
from benchmarks.ladder import climb_attention, climb_padding, climb_product, operands, team, timing
from benchmarks.ladder.operands import Floats, copied, zeros
from benchmarks.ladder.padding import padded
from benchmarks.ladder.product import int8 as int8_rung
from benchmarks.ladder.product import shipped, shipped_int8, two_threads
from benchmarks.ladder.rungs import BESIDE, RUNGS, Rung, float32
from benchmarks.ladder.timing import WrongResultError

REPOSITORY = Path(__file__).parents[1]
FOLDER = REPOSITORY / "benchmarks" / "ladder"
PAGE = (REPOSITORY / "docs" / "gemm.md").read_text(encoding="utf-8")

ALL = (*RUNGS, *BESIDE)
# One number; less than a tile; more than one job of rows, of panels and of terms.
SIZES = [(1, 1, 1), (2, 17, 15), (MC + 5, 16 * NC + 33, KC + 19)]


@pytest.fixture(autouse=True)
def _small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take tiles that compile in a fraction of the time; tests/kernels tests those of all targets."""
    of_integers = operands.TILES.int8._replace(rows=3, panels=2)
    monkeypatch.setattr(operands, "TILES", Tiles(Tile(rows=3, panels=2, terms=1), of_integers))


def factors(m: int, n: int, k: int) -> tuple[Floats, Floats]:
    random = np.random.default_rng(0)
    return copied(random.standard_normal((m, k), np.float32)), random.standard_normal((n, k), np.float32)


def product(module: Any, a: Floats, weight: Floats, threads: int = 2) -> Floats:
    """Return a rung's product, in memory that was not 0 before."""
    c = zeros(len(a), len(weight))
    c[:] = np.nan
    with team.of(threads):
        module.multiply(a, module.prepare(weight), c)
    return c


# ---------------------------------------------------------------------------------------------------- results


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("rung", ALL, ids=lambda rung: rung.name)
def test_a_rung_gives_the_product_of_any_sizes(rung: Rung, sizes: tuple[int, int, int]) -> None:
    a, weight = factors(*sizes)

    assert_within(product(rung.module, a, weight, rung.n_threads), *rung.exact(a, weight))


def test_the_last_rungs_give_the_bits_of_the_kernels_that_ship() -> None:
    a, weight = factors(*SIZES[-1])
    layer = int8.Int8Linear(*int8.quantize_matrix(weight), np.zeros(len(weight), np.float32))

    assert_same_bits(product(two_threads, a, weight), product(shipped, a, weight))
    assert_same_bits(product(int8_rung, a, weight), product(shipped_int8, a, weight))
    assert_same_bits(product(int8_rung, a, weight), int8.linear(a, layer))


@pytest.mark.parametrize(("n_seq", "n_heads", "head_dim"), [(1, 1, 1), (17, 3, 20), (45, 2, 16)])
@pytest.mark.parametrize("name", climb_attention.RUNGS)
def test_a_rung_of_attention_equals_the_formula(name: str, n_seq: int, n_heads: int, head_dim: int) -> None:
    dim = n_heads * head_dim
    together = copied(np.random.default_rng(0).standard_normal((n_seq, 3 * dim), np.float32))
    q, k, v = (together[:, i * dim : (i + 1) * dim] for i in range(3))
    c = zeros(n_seq, dim)

    climb_attention.RUNGS[name].attend(q, k, v, n_heads, c)

    for first in range(0, dim, head_dim):
        part = np.s_[:, first : first + head_dim]
        assert_within(c[part], *climb_attention.exact(q[part], k[part], v[part]))


@pytest.mark.parametrize("name", climb_padding.RUNGS)
def test_a_rung_of_padding_gives_the_logits_of_each_text_alone(name: str) -> None:
    config = DistilBertConfig(
        dim=16, hidden_dim=24, n_layers=2, n_heads=2, vocab_size=40, max_position_embeddings=16
    )
    params = params_of(seeded_tensors(config), config, np.float64)
    inputs = [seeded_ids(config.vocab_size, 2 + i * 5 % 13, seed=i) for i in range(padded.TEXTS + 5)]

    logits = climb_padding.RUNGS[name].forward(inputs, params, config)

    alone = [reference.forward(text, params, config) for text in inputs]
    # Both are float64, and only the order of sums differs.
    np.testing.assert_allclose(logits, alone, rtol=1e-12, atol=1e-12)


def test_sorting_leaves_less_padding_and_a_ragged_batch_none() -> None:
    lengths = [3, 9] * padded.TEXTS

    rows = [rung.n_rows(lengths) for rung in climb_padding.RUNGS.values()]

    assert rows == [9 * len(lengths), sum(lengths), sum(lengths)]


def test_a_product_with_one_wrong_number_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(a: Floats, weight: Floats, c: Floats) -> None:
        np.matmul(a, weight.T, out=c)
        c[2, 3] += 1e-3

    numpy_blas = BESIDE[0]
    monkeypatch.setattr(numpy_blas.module, "multiply", wrong)
    a, weight = factors(5, 7, 11)

    with pytest.raises(WrongResultError, match="NumPy's BLAS: 1 of 35 numbers are wrong"):
        climb_product.check(numpy_blas, a, weight, weight)


def test_a_number_that_is_nan_is_wrong() -> None:
    a, weight = factors(2, 3, 4)
    exact, tolerance = float32(a, weight)

    with pytest.raises(WrongResultError, match="6 of 6"):
        timing.check("a rung", exact * np.nan, exact, tolerance)


# ---------------------------------------------------------------------------------------------------- command


def first_column(table: str) -> list[str]:
    return re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)


def test_the_command_prints_a_row_for_each_rung_and_draws_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "ladder.svg"

    assert command.main(["--quick", "--picture", str(path)]) == 0

    names = [rung.name for rung in ALL]
    assert first_column(capsys.readouterr().out) == ["rung", "---", *names]
    drawn = [element.text for element in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")]
    assert [name for name in drawn if name in names] == names


@pytest.mark.parametrize(("ladder", "rungs"), [("attention", climb_attention), ("padding", climb_padding)])
def test_the_other_ladders_print_a_row_for_each_rung(
    ladder: str, rungs: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([ladder, "--quick"]) == 0

    names = first_column(capsys.readouterr().out)
    assert [name for name in names if name in rungs.RUNGS] == list(rungs.RUNGS)


def test_the_assembly_of_a_rung_is_the_loop_that_multiplies(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--assembly", "six sums"]) == 0

    loop = capsys.readouterr().out.splitlines()
    assert re.match(r"\.?L\w+:", loop[0])
    assert len(re.findall(r"vfmadd\w+|fmla", "\n".join(loop))) >= 6
    assert loop[0].rstrip(":") in loop[-1]  # the jump back


# ------------------------------------------------------------------------------------------------------- page


@pytest.mark.parametrize(
    "path",
    [path for part in ("product", "attention", "padding") for path in sorted((FOLDER / part).glob("*.py"))],
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_the_file_of_a_rung_has_less_than_60_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 60


def test_the_page_has_a_section_for_each_rung_in_order() -> None:
    names = [*(rung.name for rung in RUNGS), *climb_attention.RUNGS, *climb_padding.RUNGS]

    headings = [heading.casefold() for heading in re.findall(r"^###? (?:\d+\. )?(.+)$", PAGE, re.MULTILINE)]

    places = [headings.index(name.casefold()) for name in names if name != "shipped"]
    assert all(before < after for before, after in pairwise(places))


def test_the_tables_of_the_page_have_the_rows_that_the_command_prints() -> None:
    rows = first_column(PAGE)

    for names in ([rung.name for rung in ALL], list(climb_attention.RUNGS), list(climb_padding.RUNGS)):
        first = rows.index(names[0])
        assert rows[first : first + len(names)] == names
