"""docs/by-hand.md: each number is that of the reference pass, or follows from the numbers beside it."""

import ast
import doctest
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.comparisons import assert_within
from support.pages import blocks

from distilnp.model import reference
from distilnp.model.config import DistilBertConfig
from distilnp.model.params import build_params, shapes

PAGE = Path(__file__).parents[1] / "docs" / "by-hand.md"
CONFIG = DistilBertConfig(
    vocab_size=4, max_position_embeddings=3, n_layers=1, n_heads=2, dim=4, hidden_dim=5, id2label=("-", "+")
)
# The variables of the page, and the names of the same matrices in the trace.
NAMES = {
    "words": "embeddings.word_embeddings",
    "positions": "embeddings.position_embeddings",
    "x": "embeddings.LayerNorm",
    "q": "layer.0.attention.q_lin",
    "k": "layer.0.attention.k_lin",
    "v": "layer.0.attention.v_lin",
    "scores[0]": "layer.0.attention.scores",
    "scores[1]": "layer.0.attention.scores",
    "probs[0]": "layer.0.attention.probs",
    "probs[1]": "layer.0.attention.probs",
    "context": "layer.0.attention.context",
    "attention": "layer.0.attention.out_lin",
    "after_attention": "layer.0.sa_layer_norm",
    "wide": "layer.0.ffn.lin1",
    "hidden": "layer.0.ffn.activation",
    "narrow": "layer.0.ffn.lin2",
    "output": "layer.0.output_layer_norm",
    "pooled": "pre_classifier",
    "logits": "classifier",
}
# The page shows these besides: sums of two matrices of the trace, and the logits of two texts.
SUMS = {
    "words + positions": ("words", "positions"),
    "(x + attention)": ("x", "attention"),
    "(after_attention + narrow)": ("after_attention", "narrow"),
}
HALF_A_DIGIT = 0.5e-4 + 1e-12

EXAMPLES = [
    example for _, block in blocks(PAGE, "python") for example in doctest.DocTestParser().get_examples(block)
]
SHOWN = {
    re.sub(r"(\.round\(4\))?( \+ 0)?\n$", "", example.source): np.array(
        ast.literal_eval(example.want.removeprefix("array(").rstrip()[:-1])
    )
    for example in EXAMPLES
    if example.want.startswith("array(")
}
EQUATIONS = [
    line
    for _, block in blocks(PAGE, "text")
    for line in block.splitlines()
    if re.search(r"\d", line) and not re.search("[a-z_]+_i|head_dim|GELU", line)
]


def logits_and_trace(ids: list[int]) -> tuple[Any, dict[str, Any]]:
    """Run the reference pass with the weights that the page writes down."""
    page: dict[str, Any] = {}
    for example in EXAMPLES:
        if re.match(r"(import|from|\w+ = np\.array\(\[+\d)", example.source):
            exec(example.source, page)
    tensors = {}
    for name, shape in shapes(CONFIG).items():
        module, kind = name.split(".")[-2:]
        if kind == "weight" and module in page:
            tensors[name] = page[module]
        else:
            ones = kind == "weight" and "norm" in module.lower()
            tensors[name] = page.get(f"{module}_{kind}", np.full(shape, float(ones)))
        assert tensors[name].shape == shape, name
    trace: dict[str, Any] = {}
    return reference.forward(ids, build_params(CONFIG, tensors), CONFIG, trace), trace


def test_every_intermediate_of_the_reference_is_on_the_page() -> None:
    _, trace = logits_and_trace([0, 1, 3])

    assert set(NAMES.values()) == set(trace)
    assert set(SHOWN) == {*NAMES, *SUMS, "model([0, 1, 3])", "model([0, 2, 3])"}


@pytest.mark.parametrize("variable", NAMES)
def test_a_matrix_of_the_page_is_that_of_the_reference(variable: str) -> None:
    _, trace = logits_and_trace([0, 1, 3])

    expected = trace[NAMES[variable]]
    if head := re.search(r"\[(\d)\]$", variable):
        expected = expected[int(head[1])]

    assert_within(SHOWN[variable], expected, HALF_A_DIGIT)


@pytest.mark.parametrize("text", SUMS)
def test_a_sum_of_the_page_is_that_of_the_reference(text: str) -> None:
    _, trace = logits_and_trace([0, 1, 3])
    first, second = SUMS[text]

    assert_within(SHOWN[text], trace[NAMES[first]] + trace[NAMES[second]], HALF_A_DIGIT)


@pytest.mark.parametrize("ids", [[0, 1, 3], [0, 2, 3]])
def test_the_model_in_one_function_is_the_reference(ids: list[int]) -> None:
    logits, _ = logits_and_trace(ids)

    assert_within(SHOWN[f"model({ids})"], logits, HALF_A_DIGIT)


@pytest.mark.parametrize("equation", EQUATIONS)
def test_an_equation_of_the_page_is_right_to_one_in_its_last_digit(equation: str) -> None:
    left, right = equation.rsplit(" = ", 1)
    computed = eval(left.split(" = ")[-1], {"exp": math.exp, "sqrt": math.sqrt, "erf": math.erf})

    assert abs(computed - float(right)) < 1.01e-4


def test_the_page_has_the_equations_of_every_step() -> None:
    assert len(EQUATIONS) > 20
