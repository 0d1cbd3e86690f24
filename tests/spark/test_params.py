"""The Params of Spark NLP's stages, with its names, defaults, setters and getters."""

import warnings
from typing import Any

import pytest
from pyspark.ml.param import Params

from distilnp import ArgumentError, InputTypeError
from distilnp.spark import DistilnpClassifier
from distilnp.spark.annotator import DistilBertForSequenceClassification, SentenceDetector, Tokenizer
from distilnp.spark.base import DocumentAssembler, Finisher

STAGES = {
    stage.__name__: stage
    for stage in (
        DocumentAssembler,
        SentenceDetector,
        Tokenizer,
        DistilBertForSequenceClassification,
        Finisher,
    )
}


def made(name: str) -> Any:
    if name == "DistilBertForSequenceClassification":
        return DistilBertForSequenceClassification.pretrained("sst2-mini")
    return STAGES[name]()


@pytest.mark.parametrize("name", STAGES)
def test_every_param_has_the_default_of_spark_nlp(name: str, stages: dict[str, Any]) -> None:
    stage = made(name)
    expected = dict(stages["params"][name])
    if name == "DistilBertForSequenceClassification":
        expected["engine"] = "distilnp"
    assert {param: getattr(stage, f"get{param[0].upper()}{param[1:]}")() for param in expected} == {
        param: None if value == "<not set>" else value for param, value in expected.items()
    }


@pytest.mark.parametrize("name", STAGES)
def test_every_method_of_spark_nlp_is_there(name: str, stages: dict[str, Any]) -> None:
    stage = made(name)
    assert [method for method in stages["methods"][name] if not hasattr(stage, method)] == []


@pytest.mark.parametrize("name", STAGES)
def test_every_param_can_be_set_and_read(name: str) -> None:
    examples = {bool: True, int: 7, float: 0.25, list: ["a"], str: "x"}
    named = {
        "activation": "sigmoid",
        "cleanupMode": "shrink",
        "customBoundsStrategy": "append",
        "language": "de",
        "longText": "windows",
        "modelFiles": "shared",
        "precision": "int8",
        "prefixPattern": r"\A(x*)",
        "suffixPattern": r"(x*)\z",
    }
    stage = made(name)
    for param in stage.params:
        kind = next(kind for kind in examples if _takes(param, examples[kind]))
        value = named.get(param.name, examples[kind])
        setter = getattr(stage, f"set{param.name[0].upper()}{param.name[1:]}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert setter(value) is stage
        assert getattr(stage, f"get{param.name[0].upper()}{param.name[1:]}")() == value
        assert param.name in stage.explainParams()


def _takes(param: Any, value: object) -> bool:
    try:
        return type(param.typeConverter(value)) is type(value)
    except InputTypeError:
        return False


@pytest.mark.parametrize(
    ("name", "setter", "value", "error", "parts"),
    [
        ("DocumentAssembler", "setCleanupMode", "wash", ArgumentError, ["cleanupMode", "wash", "shrink"]),
        ("DocumentAssembler", "setInputCol", 3, InputTypeError, ["inputCol is 3", "str"]),
        ("DocumentAssembler", "setInputCol", None, InputTypeError, ["inputCol is None", "str"]),
        ("SentenceDetector", "setMinLength", True, InputTypeError, ["minLength is True", "int"]),
        ("SentenceDetector", "setMinLength", 2.5, InputTypeError, ["minLength is 2.5", "int"]),
        ("SentenceDetector", "setCustomBounds", "x", InputTypeError, ["customBounds is 'x'", "list of str"]),
        ("SentenceDetector", "setLanguage", "12", ArgumentError, ["12", "language"]),
        ("SentenceDetector", "setCustomBounds", ["("], ArgumentError, ["customBounds", "regular"]),
        ("SentenceDetector", "setSplitLength", 0, ArgumentError, ["splitLength is 0", "1"]),
        ("SentenceDetector", "setInputCols", ["a", "b"], ArgumentError, ["inputCols", "expected 1"]),
        ("Tokenizer", "setTargetPattern", "\\Qx\\E", ArgumentError, ["targetPattern", "Java"]),
        ("Tokenizer", "setMinLength", -1, ArgumentError, ["minLength is -1"]),
        ("Finisher", "setInputCols", [1], InputTypeError, ["inputCols", "names"]),
        (
            "DistilBertForSequenceClassification",
            "setMaxSentenceLength",
            513,
            ArgumentError,
            ["513", "512", "windows"],
        ),
        ("DistilBertForSequenceClassification", "setMaxSentenceLength", 2, ArgumentError, ["2", "from 3"]),
        ("DistilBertForSequenceClassification", "setThreshold", 1.5, ArgumentError, ["threshold is 1.5"]),
        ("DistilBertForSequenceClassification", "setActivation", "tanh", ArgumentError, ["activation"]),
        ("DistilBertForSequenceClassification", "setThreads", 0, ArgumentError, ["threads is 0"]),
        ("DistilBertForSequenceClassification", "setCaseSensitive", "yes", InputTypeError, ["caseSensitive"]),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_when_it_is_set(
    name: str, setter: str, value: object, error: type[Exception], parts: list[str]
) -> None:
    with pytest.raises(error) as caught:
        getattr(made(name), setter)(value)
    assert [part for part in parts if part not in str(caught.value)] == []


def test_a_param_that_changes_nothing_says_so() -> None:
    with pytest.warns(UserWarning, match=r"batchSize of DistilBert.* has no effect: ") as seen:
        made("DistilBertForSequenceClassification").setBatchSize(32)
    assert [warning.filename for warning in seen] == [__file__]


def test_a_case_that_contradicts_the_model_is_said() -> None:
    stage = made("DistilBertForSequenceClassification")
    with pytest.warns(UserWarning, match="caseSensitive is True, and the tokenizer .* lowercases") as seen:
        stage.setCaseSensitive(True)
    assert [warning.filename for warning in seen] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stage.setCaseSensitive(False)


def test_an_unknown_param_is_named() -> None:
    with pytest.raises(InputTypeError, match=r"has no Param 'colour', expected one of .*maxLength"):
        DistilnpClassifier(inputCol="text", colour="red")


def test_params_are_those_of_pyspark() -> None:
    stage = DistilnpClassifier(inputCol="text").setOutputCol("mood")
    assert isinstance(stage, Params)
    copy = stage.copy({stage.outputCol: "other"})
    assert (stage.getOutputCol(), copy.getOutputCol(), copy.getClasses()) == (
        "mood",
        "other",
        ["NEGATIVE", "POSITIVE"],
    )
