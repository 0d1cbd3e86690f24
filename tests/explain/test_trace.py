"""What `Classifier.trace` keeps, and the pictures of it."""

import re
import subprocess
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from support.expected_logits import GOLDENS
from support.seeded_models import CONFIGS, seeded_ids, seeded_tensors, write_checkpoint

import distilnp
from distilnp import ArgumentError
from distilnp.api import Classifier
from distilnp.explain.pictures import logit_lens_picture
from distilnp.model import reference

TEXT = "A dreadful, unaffable film."


@cache
def classifier() -> Classifier:
    return distilnp.load()


def test_tokens_ids_and_spans_go_together() -> None:
    trace = classifier().trace(TEXT)

    encoding = classifier().tokenizer.encode(TEXT)
    assert (trace.ids, trace.tokens) == (encoding.ids, encoding.tokens)
    assert [None if span is None else TEXT[span[1] : span[2]] for span in trace.spans] == [
        None,
        *("A", "dreadful", ",", "una", "ffa", "ble", "film", "."),
        None,
    ]


def test_both_texts_of_a_pair_are_traced_as_one_input() -> None:
    trace = classifier().trace({"text": "Who wrote it?", "text_pair": "Nobody."})

    assert trace.tokens == ("[CLS]", "who", "wrote", "it", "?", "[SEP]", "nobody", ".", "[SEP]")
    assert trace.spans[6] == (1, 0, 6)


def test_every_intermediate_is_that_of_transformers(tmp_path: Path) -> None:
    config = CONFIGS["odd-sizes"]
    write_checkpoint(tmp_path, config, seeded_tensors(config))
    expected = np.load(GOLDENS / "trace-odd-sizes.npz")
    ids = seeded_ids(config.vocab_size, 6, seed=6)
    model = distilnp.load(tmp_path)
    # The golden's ids do not begin with [CLS], so they are no text; the words between are the same.
    text = " ".join(f"w{id_ - 5}" for id_ in ids)

    trace = model.trace(text)

    assert trace.ids[1:-1] == tuple(ids)
    assert set(expected) <= set(trace)
    for name, array in expected.items():
        assert [n - 2 if n == 8 else n for n in trace[name].shape] == list(array.shape), name


def test_the_logits_are_those_of_the_engine_but_for_rounding() -> None:
    trace = classifier().trace(TEXT)

    np.testing.assert_allclose(trace.logits, classifier()(TEXT).logits, atol=1e-4)
    assert trace["layer.5.attention.probs"].shape == (12, 10, 10)
    np.testing.assert_array_equal(trace.probs[5], trace["layer.5.attention.probs"])


def test_integers_are_traced_as_integers() -> None:
    int8 = distilnp.load(precision="int8")

    np.testing.assert_allclose(int8.trace(TEXT).logits, int8(TEXT).logits, atol=1e-5)
    assert np.abs(int8.trace(TEXT).logits - classifier().trace(TEXT).logits).max() > 1e-4


def test_the_logit_lens_ends_in_the_logits() -> None:
    trace = classifier().trace(TEXT)

    assert trace.logit_lens.shape == (7, 2)
    np.testing.assert_array_equal(trace.logit_lens[-1], trace.logits)
    halfway = reference.head(trace["layer.2.output_layer_norm"], classifier().params, lambda **_: None)
    np.testing.assert_array_equal(trace.logit_lens[3], halfway)


def test_a_trace_cannot_be_changed() -> None:
    trace = classifier().trace(TEXT)

    for name in trace:
        with pytest.raises(ValueError, match="read-only"):
            trace[name][:] = 0
    with pytest.raises(KeyError):
        trace["layer.6.ffn.lin1"]


def test_a_trace_is_equal_to_itself_alone() -> None:
    trace, other = (classifier().trace("a") for _ in range(2))

    assert trace == trace
    assert trace != other
    assert len({trace, trace, other}) == 2


def test_layers_and_heads_may_come_from_argmax() -> None:
    trace = classifier().trace("a")

    assert trace.attention_svg(np.int64(-1), np.int32(3)) == trace.attention_svg(5, 3)  # type: ignore[arg-type]


def test_a_saved_trace_has_everything(tmp_path: Path) -> None:
    trace = classifier().trace(TEXT)

    trace.save(tmp_path / "trace.npz")

    with np.load(tmp_path / "trace.npz", allow_pickle=False) as saved:
        assert set(saved) == {*trace, "ids", "tokens", "labels", "logit_lens"}
        assert saved["tokens"].tolist() == list(trace.tokens)
        for name, array in trace.items():
            np.testing.assert_array_equal(saved[name], array)


def test_a_text_in_several_windows_is_one_clear_error() -> None:
    windows = distilnp.load(long_text="windows")

    with pytest.raises(ArgumentError, match=r"in 2 parts, expected one: .* text\[part.start:part.end\]"):
        windows.trace("so it goes " * 200)
    assert len(windows.trace(TEXT).tokens) == 10


def test_a_long_text_is_cut_as_it_is_for_the_model() -> None:
    assert len(classifier().trace("so it goes " * 200).tokens) == 512


@pytest.mark.parametrize(("layer", "head"), [(6, None), (-7, 0), ("0", 0), (0, 12), (0, True)])
def test_a_layer_or_head_that_does_not_exist_is_one_clear_error(layer: object, head: object) -> None:
    with pytest.raises(ArgumentError, match=r"(layer|head) is .*, expected an integer from -"):
        classifier().trace("a").attention_svg(layer, head)  # type: ignore[arg-type]


def test_pictures_are_whole_and_carry_nothing_strange() -> None:
    trace = classifier().trace("<b>&\x1b film \u202e")

    for svg in (trace.attention_svg(-1, 3), trace.attention_svg(0), trace.logit_lens_svg()):
        assert ElementTree.fromstring(svg).tag == "{http://www.w3.org/2000/svg}svg"
        assert not {"\x1b", "\u202e"} & set(svg)
    assert "&lt;" in trace.attention_svg(-1, 3)


def test_the_lens_of_any_logits_can_be_drawn() -> None:
    for logits in (np.zeros((2, 1)), np.full((3, 2), 1e-30), np.array([[1e30, -1e30], [3.0, -4.0]])):
        assert ElementTree.fromstring(logit_lens_picture(["a", "b"][: logits.shape[1]], logits)) is not None


def test_names_of_lines_that_end_together_do_not_overlap() -> None:
    logits = np.array([[0.0] * 4, [1.0, 1.01, 1.02, -3.0]])

    svg = ElementTree.fromstring(logit_lens_picture(["a", "b", "c", "d"], logits))

    names = [one for one in svg.iter() if one.text in set("abcd")]
    heights = sorted(float(name.get("y", "")) for name in names)
    assert len(heights) == 4
    assert all(b - a >= 13.99 for a, b in pairwise(heights))


def test_the_picture_of_a_long_text_stays_small() -> None:
    trace = classifier().trace("so it goes " * 200)

    assert len(trace.tokens) == 512
    assert len(trace.attention_svg(0, 0)) < 4e6


def test_a_notebook_shows_names_and_shapes() -> None:
    trace = classifier().trace("a")

    assert "<code>layer.0.attention.probs</code></td><td>[12, 3, 3]" in trace._repr_html_()
    assert repr(trace) == "Trace(3 tokens, 77 intermediates)"


def test_the_file_goes_where_the_user_says(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        classifier().trace("a").save(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_command_of_the_page_draws_its_pictures(tmp_path: Path) -> None:
    folder = Path(__file__).parents[2] / "docs" / "inside"
    subprocess.run([sys.executable, folder / "make.py", tmp_path], check=True)

    drawn = {path.name: path.read_text() for path in tmp_path.iterdir()}
    shown = {path.name: path.read_text() for path in folder.glob("*.svg")}
    assert set(drawn) == set(shown)
    for name, picture in shown.items():
        # Rounding differs between CPUs, words do not.
        words = [re.findall(r"<text[^>]*>([^<]*)", one) for one in (picture, drawn[name])]
        assert words[0] == words[1], f"{name}: run docs/inside/make.py"
