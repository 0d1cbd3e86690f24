"""The answers of the real Spark NLP, with the same weights: what is equal, and what is not.

The texts whose scores differ are those of which Spark NLP drops parts of tokens: docs/spark.md lists them.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from distilnp.spark.annotator import DistilBertForSequenceClassification, SentenceDetector, Tokenizer
from distilnp.spark.base import DocumentAssembler, LightPipeline

DOCS = Path(__file__).parents[2] / "docs" / "spark.md"

SETTINGS = (
    "uncased",
    "default",
    "max16",
    "max512",
    "sigmoid",
    "multilabel",
    "sentences",
    "sentences_coalesced",
    "batch1",
)

# Spark NLP ends a sentence at every semicolon and full stop.
OTHER_SENTENCES = {17, 45, 50}

# From its ninth sentence on, Spark NLP gives a text the spans of the first ones again.
MANY_SENTENCES = {50, 59}

# A float32 near 1 has steps of 6e-8. Twenty of them, for two programs that add in another order.
SAME_SCORE = 1e-6


@pytest.fixture(scope="module")
def ours(spark_nlp: Path, answers: list[dict[str, Any]]) -> dict[tuple[str, int], dict[str, Any]]:
    """Return our annotations for each setting and text."""
    annotated = {}
    for setting in SETTINGS:
        records = [record for record in answers if record["setting"] == setting]
        params = {**records[0]["params"], "batchSize": 8}
        detects = params.pop("_sentences", False)
        classifier = DistilBertForSequenceClassification.loadSavedModel(spark_nlp / "weights")
        # What Spark NLP does if nothing is set: it keeps the case.
        classifier.setForceCaseSensitive(setting == "default")
        classifier._set(**params)
        sentences = [SentenceDetector().setInputCols("document").setOutputCol("sentence")] * detects
        source = "sentence" if detects else "document"
        light = LightPipeline(
            [
                DocumentAssembler().setInputCol("text"),
                *sentences,
                Tokenizer().setInputCols([source]).setOutputCol("token"),
                classifier.setInputCols(["token", source]).setOutputCol("class"),
            ]
        )
        texts = [record["text"] or "" for record in records]
        for record, annotations in zip(records, light.fullAnnotate(texts), strict=True):
            annotated[setting, record["id"]] = annotations
    return annotated


def spans(annotations: list[Any]) -> list[tuple[Any, ...]]:
    return [
        (a["annotatorType"], a["begin"], a["end"], a["metadata"]["sentence"], list(a["metadata"]))
        for a in annotations
    ]


def as_dict(annotation: Any) -> dict[str, Any]:
    names = ("annotatorType", "begin", "end", "result", "metadata", "embeddings")
    return {name: getattr(annotation, name) for name in names}


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_structure_is_the_same(
    setting: str, answers: list[dict[str, Any]], ours: dict[tuple[str, int], dict[str, Any]]
) -> None:
    exceptions = (OTHER_SENTENCES | MANY_SENTENCES) if setting.startswith("sentences") else set()
    if setting in ("sigmoid", "multilabel"):  # other scores, and so another number of labels
        exceptions = set(listed())
    compared = 0
    for record in answers:
        if record["setting"] == setting and record["id"] not in exceptions:
            found = [as_dict(annotation) for annotation in ours[setting, record["id"]]["class"]]
            assert spans(found) == spans(record["class"]), record["text"]
            compared += 1
    assert compared == 60 - len(exceptions)


@pytest.mark.parametrize("setting", SETTINGS)
def test_scores_are_the_same_for_texts_of_which_spark_nlp_drops_nothing(
    setting: str, answers: list[dict[str, Any]], ours: dict[tuple[str, int], dict[str, Any]]
) -> None:
    compared = 0
    for record in answers:
        if record["setting"] != setting or record["id"] in listed():
            continue
        for one, other in zip(ours[setting, record["id"]]["class"], record["class"], strict=False):
            assert one.result == other["result"]
            for name in ("NEGATIVE", "POSITIVE"):
                score = other["metadata"][name]
                assert abs(float(one.metadata[name]) - float(score)) < SAME_SCORE, record["text"]
            compared += 1
    assert compared >= 33


def test_the_docs_list_every_other_text_with_both_answers(
    answers: list[dict[str, Any]], ours: dict[tuple[str, int], dict[str, Any]]
) -> None:
    differing = {
        record["id"]: (record["class"][0], ours["uncased", record["id"]]["class"][0])
        for record in answers
        if record["setting"] == "uncased" and record["class"]
        if abs(
            float(record["class"][0]["metadata"]["POSITIVE"])
            - float(ours["uncased", record["id"]]["class"][0].metadata["POSITIVE"])
        )
        >= SAME_SCORE
    }
    assert listed() == {
        i: tuple(
            f"{float(score):.3f}" for score in (theirs["metadata"]["POSITIVE"], mine.metadata["POSITIVE"])
        )
        for i, (theirs, mine) in differing.items()
    }


def listed() -> dict[int, tuple[str, str]]:
    """Return the rows of the table in the docs: the number of a text, Spark NLP's score, and ours."""
    rows = re.findall(r"^\| (\d+) \| .* \| (0\.\d+) \| (0\.\d+) \|$", DOCS.read_text(encoding="utf-8"), re.M)
    return {int(number): (theirs, mine) for number, theirs, mine in rows}


def test_tokens_are_those_of_spark_nlp(
    answers: list[dict[str, Any]], ours: dict[tuple[str, int], dict[str, Any]]
) -> None:
    for record in answers:
        if record["setting"] == "uncased" or record["id"] not in OTHER_SENTENCES:
            found = [token.result for token in ours[record["setting"], record["id"]]["token"]]
            assert found == record["tokens"], record["text"]


def test_documents_and_sentences_are_those_of_spark_nlp(
    stages: dict[str, Any], ours: dict[tuple[str, int], dict[str, Any]]
) -> None:
    for record in stages["documents"]:
        found = ours["sentences", record["id"]]
        document, *rest = map(as_dict, found["document"])
        assert rest == []
        assert {**document, "metadata": {"sentence": "0"}, "embeddings": None} == {
            **record["document"][0],
            "embeddings": None,
        }
        if record["id"] not in OTHER_SENTENCES:
            sentences = [as_dict(annotation) for annotation in found["sentence"]]
            assert [{**it, "embeddings": None} for it in sentences] == [
                {**it, "embeddings": None} for it in record["sentence"]
            ]


def test_coalesced_sentences_are_one_annotation_a_document(
    answers: list[dict[str, Any]], ours: dict[tuple[str, int], dict[str, Any]]
) -> None:
    text = next(record for record in answers if record["id"] == 59 and record["setting"] == "sentences")
    assert len(ours["sentences", 59]["sentence"]) == 40 == len(text["class"])
    (whole,) = ours["sentences_coalesced", 59]["class"]
    # The sentences are equal, and so are their scores.
    assert whole.metadata["POSITIVE"] == ours["sentences", 59]["class"][-1].metadata["POSITIVE"]
    # Spark NLP gives every document of up to eight sentences the span of its first, and so do we.
    assert (whole.begin, whole.end) == (0, 15)


def test_a_light_pipeline_answers_as_spark_nlp_does(stages: dict[str, Any], spark_nlp: Path) -> None:
    light = LightPipeline(
        [
            DocumentAssembler().setInputCol("text").setOutputCol("document"),
            SentenceDetector().setInputCols("document").setOutputCol("sentence"),
            Tokenizer().setInputCols("sentence").setOutputCol("token"),
            DistilBertForSequenceClassification.loadSavedModel(spark_nlp / "weights")
            .setInputCols("token", "sentence")
            .setOutputCol("class"),
        ]
    )
    expected = stages["light"]
    texts = ["I really liked that movie!", "I like you. I love you."]
    assert light.annotate(texts[1]) == expected["annotate_str"]
    assert light.annotate(texts) == expected["annotate_list"]
    assert light.annotate("") == expected["annotate_empty"]
    (full,) = light.fullAnnotate(texts[1])
    (golden,) = expected["fullAnnotate"]
    without_scores = re.compile(r"'(NEGATIVE|POSITIVE)': '[\dE.-]+'")
    for column, annotations in golden.items():
        found = [without_scores.sub("", str(annotation)) for annotation in full[column]]
        assert found == [without_scores.sub("", annotation) for annotation in annotations]
