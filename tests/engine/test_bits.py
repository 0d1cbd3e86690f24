"""The logits of a text have the same bits whatever else is in the batch, on any number of threads."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.engines import compiled_engine
from support.golden_bits import weights_of
from support.seeded_models import CONFIGS, packed, seeded_ids, seeded_tensors

from distilnp.engine import compiled_engine as engine_module
from distilnp.engine.compiled_engine import BATCH_TOKENS, CompiledEngine
from distilnp.engine.weights import PackedWeights

SMALL = [*(name for name in CONFIGS if name != "base"), "odd-sizes in int8"]
BUNDLED = ["sst2-mini", "sst2-mini in int8"]
THREADS = (1, 2, 3, 8)

# A text is given by its length and its seed. Most texts are short, as in practice; some fill all positions of
# a model.
TEXT = st.tuples(st.one_of(st.integers(1, 40), st.integers(1, 512), st.just(512)), st.integers(0, 3))
# There are few seeds, so that the same text occurs at several positions. All texts together have up to twenty
# times the tokens of a batch of the engine.
BATCH = st.lists(TEXT, max_size=40)


@cache
def weights(name: str) -> PackedWeights:
    return weights_of(name)


@cache
def engine(name: str, threads: int) -> CompiledEngine:
    return compiled_engine(weights(name), threads)


def ids(name: str, text: tuple[int, int]) -> list[int]:
    return seeded_ids(weights(name).config.vocab_size, *text)


@cache
def alone(name: str, text: tuple[int, int]) -> bytes:
    return engine(name, 1).forward([ids(name, text)]).tobytes()


def assert_same_bits(name: str, texts: list[tuple[int, int]], threads: int) -> None:
    logits = engine(name, threads).forward([ids(name, text) for text in texts])

    assert logits.shape == (len(texts), weights(name).config.n_labels)
    assert [row.tobytes() for row in logits] == [alone(name, text) for text in texts]


@pytest.mark.parametrize("name", SMALL)
@given(texts=BATCH, threads=st.sampled_from(THREADS))
def test_a_text_has_the_same_bits_in_a_batch_as_alone(
    name: str, texts: list[tuple[int, int]], threads: int
) -> None:
    assert_same_bits(name, texts, threads)


# A batch of the bundled model takes a hundred times as long.
@settings(max_examples=max(5, settings.default.max_examples // 10))
@given(texts=st.lists(TEXT, max_size=12), threads=st.sampled_from(THREADS))
@pytest.mark.parametrize("name", BUNDLED)
def test_a_text_has_the_same_bits_in_a_batch_as_alone_in_the_bundled_model(
    name: str, texts: list[tuple[int, int]], threads: int
) -> None:
    assert_same_bits(name, texts, threads)


@pytest.mark.parametrize("threads", THREADS)
def test_a_text_has_the_same_bits_at_every_position_in_a_batch(threads: int) -> None:
    others = [(1 + 5 * i, i) for i in range(30)]

    for position in range(len(others)):
        assert_same_bits("odd-sizes", [*others[:position], (17, 0), *others[position:]], threads)


@given(texts=BATCH, batch_tokens=st.sampled_from([1, 16, 100, 512, 1 << 20]))
def test_the_size_of_batches_changes_no_bit(texts: list[tuple[int, int]], batch_tokens: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_module, "BATCH_TOKENS", dict.fromkeys(BATCH_TOKENS, batch_tokens))
        for name in ("odd-sizes", "odd-sizes in int8"):
            assert_same_bits(name, texts, 2)


@pytest.mark.parametrize("name", ["odd-sizes", "odd-sizes in int8", *BUNDLED])
def test_every_run_gives_the_same_bits(name: str) -> None:
    inputs = [ids(name, (n, 0)) for n in (1, 16, 17, 80, BATCH_TOKENS["float32"] // 4)]

    runs = {engine(name, threads).forward(inputs).tobytes() for _ in range(10) for threads in THREADS}

    assert len(runs) == 1


@pytest.mark.parametrize("name", ["one-layer", "odd-sizes in int8", *BUNDLED])
def test_a_text_of_any_length_has_the_same_bits_in_a_batch_as_alone(name: str) -> None:
    step = 1 if name in SMALL else 37
    assert_same_bits(name, [(n, 0) for n in range(1, 513, step)], 3)


def test_a_text_that_gives_nan_changes_no_other_text() -> None:
    config = CONFIGS["odd-sizes"]
    tensors = seeded_tensors(config)
    tensors["distilbert.embeddings.word_embeddings.weight"][7] = np.nan
    damaged = compiled_engine(packed(tensors, config), 3)
    clean = [[1 + n % 6 for n in range(length)] for length in (1, 5, 16, 33)]

    together = damaged.forward([clean[0], [7, 7], clean[1], clean[2], [3, 7], clean[3]])

    assert np.isnan(together[[1, 4]]).all()
    assert [row.tobytes() for row in together[[0, 2, 3, 5]]] == [
        damaged.forward([ids]).tobytes() for ids in clean
    ]
