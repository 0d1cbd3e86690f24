"""Tables in, tables out, for every library that people have their tables in."""

import datetime
import decimal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import distilnp

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")
pytest.importorskip("narwhals")

TEXTS = ["What a joy.", None, "What a bore.", "", "so " * 600]
OTHERS = {"id": [7, 8, 9, 10, 11], "note": ["a", None, "c", "d", "e"]}

Make = Callable[[dict[str, list[Any]]], Any]

# How each library makes a frame, and gives a column of one as a list.
LIBRARIES: dict[str, tuple[Make, Callable[[Any, str], list[Any]]]] = {
    "pandas": (pd.DataFrame, lambda frame, name: [none(it) for it in frame[name].tolist()]),
    "polars": (pl.DataFrame, lambda frame, name: frame[name].to_list()),
    "pyarrow": (pa.table, lambda frame, name: frame[name].to_pylist()),
}


def none(value: Any) -> Any:
    """Return a value of pandas, or None for its nulls."""
    return None if value is None or value is pd.NA or value != value else value


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def classifier() -> distilnp.Classifier:
    return distilnp.load("sst2-mini")


def made(library: str, columns: dict[str, list[Any]]) -> Any:
    return LIBRARIES[library][0](columns)


def column(library: str, frame: Any, name: str) -> list[Any]:
    return LIBRARIES[library][1](frame, name)


def names(frame: Any) -> list[str]:
    return list(getattr(frame, "column_names", None) or frame.columns)


def test_a_frame_gets_the_predictions_of_its_texts(library: str, classifier: distilnp.Classifier) -> None:
    frame = made(library, {**OTHERS, "text": TEXTS})
    found = classifier.classify_frame(frame, scores=True)
    assert type(found) is type(frame)
    assert names(found) == ["id", "note", "text", "label", "score", "truncated", "NEGATIVE", "POSITIVE"]
    expected = classifier.classify(TEXTS, missing="none")
    for name, attribute in (("label", "label"), ("score", "score"), ("truncated", "truncated")):
        assert column(library, found, name) == [p and getattr(p, attribute) for p in expected]
    assert column(library, found, "POSITIVE") == [p and p.scores["POSITIVE"] for p in expected]
    assert column(library, found, "note") == OTHERS["note"]
    assert names(frame) == ["id", "note", "text"]


def test_the_function_takes_the_options_of_load(library: str) -> None:
    frame = made(library, {"review": ["What a joy. " * 50]})
    found = distilnp.classify_frame(frame, "review", "imdb-mini", max_length=16, prefix="p_")
    assert names(found) == ["review", "p_label", "p_score", "p_truncated"]
    assert column(library, found, "p_label") == ["pos"]
    assert column(library, found, "p_truncated") == [True]


def test_a_frame_without_rows_gets_empty_columns_of_the_same_types(
    library: str, classifier: distilnp.Classifier
) -> None:
    full = made(library, {"text": ["What a joy."]})
    empty = classifier.classify_frame(full[:0] if library != "pyarrow" else full.slice(0, 0), scores=True)
    expected = classifier.classify_frame(full, scores=True)
    types = (
        (lambda f: list(map(str, f.schema.types)))
        if library == "pyarrow"
        else lambda f: list(map(str, f.dtypes))
    )
    assert types(empty) == types(expected)
    assert names(empty) == names(expected)


def test_columns_that_are_only_kept_keep_their_types(library: str, classifier: distilnp.Classifier) -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    frame = made(
        library,
        {
            "text": ["What a joy.", None],
            "when": [datetime.datetime(2026, 11, 25, tzinfo=zone), None],
            "price": [decimal.Decimal("1.10"), None],
            "tags": [["a", "b"], []],
        },
    )
    found = classifier.classify_frame(frame)
    kept = found[["text", "when", "price", "tags"]] if library != "pyarrow" else found.select(names(frame))
    assert kept.equals(frame)
    assert str(kept.schema if library != "pandas" else kept.dtypes) == str(
        frame.schema if library != "pandas" else frame.dtypes
    )


def test_batches_are_classified_as_they_come(library: str, classifier: distilnp.Classifier) -> None:
    asked = []

    def batches() -> Iterator[Any]:
        for text in ("What a joy.", "What a bore."):
            asked.append(text)
            yield made(library, {"text": [text]})

    found = classifier.classify_frame(batches())
    assert asked == []
    assert column(library, next(found), "label") == ["POSITIVE"]
    assert len(asked) == 1
    assert column(library, next(found), "label") == ["NEGATIVE"]


def test_pairs_come_from_two_columns(library: str, classifier: distilnp.Classifier) -> None:
    frame = made(library, {"a": ["Good.", None, "Good."], "b": ["Bad.", "Bad.", None]})
    found = classifier.classify_frame(frame, "a", pair_column="b")
    expected = classifier({"text": "Good.", "text_pair": "Bad."})
    assert column(library, found, "score") == [expected.score, None, None]


@pytest.mark.parametrize(
    "index",
    [["x", "y", "x"], [3, 1, None], [None, None, None]],
    ids=["doubled", "with a null", "of nulls"],
)
def test_any_index_of_pandas_is_kept(index: list[Any], classifier: distilnp.Classifier) -> None:
    frame = pd.DataFrame({"text": ["What a joy.", "What a bore.", None]}, index=index)
    found = classifier.classify_frame(frame)
    assert found.index.equals(frame.index)
    assert [none(it) for it in found["label"].tolist()] == ["POSITIVE", "NEGATIVE", None]


def test_an_index_of_several_levels_is_kept(classifier: distilnp.Classifier) -> None:
    index = pd.MultiIndex.from_tuples([("a", 1), ("a", 2)], names=["first", "second"])
    found = classifier.classify_frame(pd.DataFrame({"text": ["What a joy.", None]}, index=index))
    assert found.index.equals(index)
    assert found.index.names == ["first", "second"]


@pytest.mark.parametrize(
    "texts",
    [
        pd.Series(["What a joy.", None], dtype="string[pyarrow]"),
        pd.Series(["What a joy.", None], dtype="object"),
        pd.Series(["What a joy.", float("nan")], dtype="object"),
        pd.Series(["What a joy.", pd.NA], dtype="object"),
        pd.Series(["What a joy.", None], dtype="category"),
        pd.Series(["What a joy.", None], dtype=pd.ArrowDtype(pa.string())),
        pl.Series(["What a joy.", None], dtype=pl.Categorical),
        pl.Series(["What a joy.", None], dtype=pl.Enum(["What a joy."])),
        pa.array(["What a joy.", None]).dictionary_encode(),
        pa.array(["What a joy.", None], pa.large_string()),
        pa.array(["What a joy.", None], pa.string_view()),
        pa.chunked_array([["What a joy."], [None]]),
    ],
    ids=lambda texts: f"{type(texts).__module__.split('.')[0]} {getattr(texts, 'dtype', None) or texts.type}",
)
def test_texts_may_be_stored_in_any_way(texts: Any, classifier: distilnp.Classifier) -> None:
    library = type(texts).__module__.split(".")[0]
    found = classifier.classify_frame(made(library, {"text": texts}))
    assert column(library, found, "label") == ["POSITIVE", None]


def test_nulls_alone_are_no_mistake(library: str, classifier: distilnp.Classifier) -> None:
    found = classifier.classify_frame(made(library, {"text": [None, None]}))
    assert column(library, found, "label") == [None, None]
    assert column(library, found, "truncated") == [None, None]


@pytest.mark.parametrize(
    ("columns", "options", "error", "parts"),
    [
        ({"a": ["x"], "b": ["y"]}, {}, distilnp.ArgumentError, ["'text'", "'a', 'b'"]),
        ({"text": ["x"]}, {"column": "Text"}, distilnp.ArgumentError, ["'Text'", "'text'"]),
        ({"text": ["x"]}, {"pair_column": "other"}, distilnp.ArgumentError, ["'other'", "'text'"]),
        ({"text": [1, 2]}, {}, distilnp.InputTypeError, ["'text'", "Int64", "row 0", "int"]),
        ({"text": [["a"], ["b"]]}, {}, distilnp.InputTypeError, ["'text'", "row 0", "list"]),
        ({"text": [None, b"x"]}, {}, distilnp.InputTypeError, ["'text'", "row 1", "bytes"]),
        ({"text": ["x"], "label": [1]}, {}, distilnp.ArgumentError, ["'label'", "prefix"]),
        (
            {"text": ["x"], "POSITIVE": [1]},
            {"scores": True},
            distilnp.ArgumentError,
            ["'POSITIVE'", "prefix"],
        ),
        ({"text": ["x"]}, {"scores": "yes"}, distilnp.InputTypeError, ["scores is 'yes'"]),
    ],
)
def test_a_mistake_is_one_clear_error(
    library: str,
    columns: dict[str, list[Any]],
    options: dict[str, Any],
    error: type[Exception],
    parts: list[str],
    classifier: distilnp.Classifier,
) -> None:
    with pytest.raises(error) as caught:
        classifier.classify_frame(made(library, columns), **options)
    assert [part for part in parts if part not in str(caught.value)] == []


def test_a_column_of_mixed_types_names_the_first_row_that_is_no_text(classifier: distilnp.Classifier) -> None:
    frame = pd.DataFrame({"text": ["x", None, 3]}, index=["a", "b", "c"], dtype="object")
    with pytest.raises(distilnp.InputTypeError, match=r"row 2 \(from 0\) has int \(3\)"):
        classifier.classify_frame(frame)


def test_columns_of_one_name_are_refused(classifier: distilnp.Classifier) -> None:
    frame = pd.DataFrame([["x", "y"]], columns=["text", "text"])
    with pytest.raises(distilnp.ArgumentError, match="two columns of one name"):
        classifier.classify_frame(frame)
    table = pa.Table.from_arrays([pa.array(["x"]), pa.array(["y"])], names=["text", "text"])
    with pytest.raises(distilnp.ArgumentError, match="two columns of one name"):
        classifier.classify_frame(table)


@pytest.mark.parametrize(
    ("frame", "advice"),
    [
        (pl.LazyFrame({"text": ["x"]}), "Collect it first"),
        (["x"], "go to classify"),
        ({"text": ["x"]}, "go to classify"),
        ("x", "go to classify"),
        (pd.Series(["x"]), "go to classify"),
        (None, "go to classify"),
    ],
    ids=["LazyFrame", "list", "dict", "str", "Series", "None"],
)
def test_what_is_no_frame_is_refused(frame: Any, advice: str, classifier: distilnp.Classifier) -> None:
    with pytest.raises(distilnp.InputTypeError, match=f"frame is {type(frame).__name__}.*{advice}"):
        classifier.classify_frame(frame)


def test_a_row_has_the_bits_that_it_has_alone(library: str, classifier: distilnp.Classifier) -> None:
    frame = made(library, {"text": [text for text in TEXTS if text is not None]})
    found = column(library, classifier.classify_frame(frame), "score")
    assert found == [classifier(text).score for text in TEXTS if text is not None]
