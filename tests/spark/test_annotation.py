import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distilnp.spark.annotation import Annotation, java_float, utf16_length, utf16_position


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_score_as_text_is_the_same_float32_again(value: float) -> None:
    assert np.float32(java_float(value)) == np.float32(value)


# As Java 17 prints them: System.out.println(0.001f).
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (1.0, "1.0"),
        (0.5, "0.5"),
        (0.001, "0.001"),
        (0.00099, "9.9E-4"),
        (9.08399e-4, "9.08399E-4"),
        (1e-5, "1.0E-5"),
        (1e7, "1.0E7"),
        (9999999.0, "9999999.0"),
        (0.99907964, "0.99907964"),
        (-2.5, "-2.5"),
    ],
)
def test_a_score_is_written_as_java_writes_it(value: float, text: str) -> None:
    assert java_float(value) == text


@given(st.text())
def test_positions_are_those_of_utf_16(text: str) -> None:
    position = utf16_position(text)
    units = [len(text[:i].encode("utf-16-le", "surrogatepass")) // 2 for i in range(len(text) + 1)]
    assert [position(i) for i in range(len(text) + 1)] == units
    assert utf16_length(text) == units[-1]


def test_an_annotation_is_shown_as_in_spark_nlp() -> None:
    assert str(Annotation("token", 2, 5, "like", {"sentence": "0"})) == (
        "Annotation(token, 2, 5, like, {'sentence': '0'}, [])"
    )
