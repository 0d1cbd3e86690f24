"""The stages on a real Spark session."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import functions as F

import distilnp
from distilnp import ArgumentError, CheckpointError, InputTypeError, ModelNotFoundError
from distilnp.spark import DistilnpClassifier, classify
from distilnp.spark.annotator import DistilBertForSequenceClassification, SentenceDetector, Tokenizer
from distilnp.spark.base import DocumentAssembler, Finisher, LightPipeline, Pipeline, PipelineModel

TEXTS = ["I like you. I love you.", "great 😀 film. Bad 😀.", None, "", "   ", "\tWhat a waste!\n"]


@pytest.fixture(scope="module")
def frame(spark: Any) -> Any:
    return spark.createDataFrame(list(enumerate(TEXTS)), "id int, text string")


def pipeline(**params: Any) -> Any:
    classifier = DistilBertForSequenceClassification.pretrained("sst2-mini").setParams(**params)
    return Pipeline(
        stages=[
            DocumentAssembler().setInputCol("text").setOutputCol("document"),
            SentenceDetector().setInputCols(["document"]).setOutputCol("sentence"),
            Tokenizer().setInputCols("sentence").setOutputCol("token"),
            classifier.setInputCols("token", "sentence").setOutputCol("class"),
        ]
    )


@pytest.fixture(scope="module")
def model(frame: Any) -> Any:
    return pipeline().fit(frame)


@pytest.fixture(scope="module")
def rows(model: Any, frame: Any) -> list[Any]:
    return model.transform(frame).orderBy("id").collect()


def test_the_schema_is_that_of_spark_nlp(model: Any, frame: Any, stages: dict[str, Any]) -> None:
    found = json.loads(model.transform(frame).schema.json())["fields"]
    columns = {
        field["name"]: {**field, "nullable": True} for field in found if field["name"] not in ("id", "text")
    }
    assert columns == stages["schema"]


def test_spark_gives_what_a_light_pipeline_gives(model: Any, rows: list[Any]) -> None:
    light = LightPipeline(model)
    for row in rows:
        expected = light.fullAnnotate(row["text"] or "")[0]
        for column in ("document", "sentence", "token", "class"):
            found = [tuple(annotation) for annotation in row[column]]
            wanted = [
                (a.annotatorType, a.begin, a.end, a.result, a.metadata, a.embeddings)
                for a in expected[column]
            ]
            if column == "document":
                wanted = [(*a[:4], {"sentence": "0"}, []) for a in wanted]
            assert found == wanted


def test_scores_are_the_bits_that_distilnp_gives_without_spark(rows: list[Any]) -> None:
    classifier = distilnp.load("sst2-mini", max_length=128)
    for row in rows:
        for annotation in row["class"]:
            text = row["text"].encode("utf-16-le")[2 * annotation["begin"] : 2 * annotation["end"] + 2]
            expected = classifier.classify(text.decode("utf-16-le"))
            assert annotation["result"] == expected.label
            for name, score in expected.scores.items():
                assert np.float32(annotation["metadata"][name]) == np.float32(score)


def test_missing_and_blank_texts_have_no_annotation(rows: list[Any]) -> None:
    assert [len(row["class"]) for row in rows] == [2, 2, 0, 0, 0, 1]


@pytest.mark.parametrize("name", ["default", "outputCols", "string", "metadata", "keep"])
def test_a_finisher_gives_what_that_of_spark_nlp_gives(name: str, spark: Any, stages: dict[str, Any]) -> None:
    golden = stages["finisher"][name]
    texts = [[row[0] if row[0] != "None" else None] for row in golden["rows"]]
    finisher = {
        "default": Finisher(),
        "outputCols": Finisher().setOutputCols(["label"]),
        "string": Finisher().setOutputAsArray(False),
        "metadata": Finisher().setIncludeMetadata(True),
        "keep": Finisher().setCleanAnnotations(False),
    }[name].setInputCols(["class"])
    stages_ = [*pipeline().getStages(), finisher]
    finished = Pipeline(stages=stages_).fit(None).transform(spark.createDataFrame(texts, "text string"))
    assert finished.columns == golden["columns"]
    if golden["types"]:
        assert [kind for _, kind in finished.dtypes] == golden["types"]
    for row, expected in zip(finished.collect(), golden["rows"], strict=True):
        result = row[golden["columns"][-1] if name != "metadata" else "finished_class"]
        if name == "keep":
            assert str(result) == expected[1]
        else:
            assert result == expected[1]
        if name == "metadata":
            assert [key for key, _ in row["finished_class_metadata"]] == [key for key, _ in expected[2]]


def test_a_finisher_can_write_everything_into_one_text(model: Any, frame: Any) -> None:
    finisher = Finisher().setInputCols("class").setOutputAsArray(False).setIncludeMetadata(True)
    first = finisher.transform(model.transform(frame)).orderBy("id").first()["finished_class"]
    one, two = first.split("@")
    assert [part.split("->")[0] for part in one.split("#")] == ["sentence", "NEGATIVE", "POSITIVE", "result"]
    assert two.startswith("sentence->1#") and two.endswith("#result->POSITIVE")


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("disabled", " a\tb\\n c\r\n d  "),
        ("inplace", " a b\\n c   d  "),
        ("inplace_full", " a b  c   d  "),
        ("shrink", "a b\\n c d"),
        ("shrink_full", "a b  c d"),
        ("each", " a\tb\\n c  d  "),
        ("each_full", " a\tb\\n c  d  "),
        ("delete_full", "a\tb c\r\n d"),
    ],
)
def test_white_space_is_cleaned_as_spark_nlp_cleans_it(mode: str, expected: str, spark: Any) -> None:
    text = " a\tb\\n c\r\n d  "
    stage = DocumentAssembler().setInputCol("text").setCleanupMode(mode.upper())
    (document,) = stage.transform(spark.createDataFrame([[text]], "text string")).first()["document"]
    assert (document["result"], document["end"]) == (expected, len(expected) - 1)
    assert stage.assemble(text)[0].result == expected


def test_a_document_keeps_an_id_and_metadata(spark: Any) -> None:
    frame = spark.createDataFrame(
        [("a", 7, {"k": "v", "id": "x"}), (None, None, None)],
        "text string, key long, more map<string,string>",
    )
    stage = DocumentAssembler().setInputCol("text").setIdCol("key").setMetadataCol("more")
    found = [row["document"][0]["metadata"] for row in stage.transform(frame).collect()]
    assert found == [{"k": "v", "id": "7", "sentence": "0"}, {"id": None, "sentence": "0"}]


def test_a_list_of_texts_is_a_list_of_documents(spark: Any) -> None:
    frame = spark.createDataFrame([(["It is good.", "It is bad."],), ([],), (None,)], "text array<string>")
    stages = pipeline().getStages()
    classifier = stages[-1].setInputCols("document")
    found = classifier.transform(stages[0].transform(frame)).collect()
    assert [[a["result"] for a in row["class"]] for row in found] == [["POSITIVE", "NEGATIVE"], [], []]
    assert [a["metadata"]["sentence"] for a in found[0]["class"]] == ["0", "1"]


def test_sentences_can_have_rows_of_their_own(spark: Any, frame: Any) -> None:
    documents = DocumentAssembler().setInputCol("text").transform(frame)
    detector = SentenceDetector().setInputCols("document").setOutputCol("sentence").setExplodeSentences(True)
    found = detector.transform(documents).orderBy("id").collect()
    # A row without a sentence is still there.
    assert [row["id"] for row in found] == [0, 0, 1, 1, 2, 3, 4, 5]
    assert [len(row["sentence"]) for row in found] == [1, 1, 1, 1, 0, 0, 0, 1]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"customBounds": ["%%"]}, ["One.", "Two", "three."]),
        ({"customBounds": ["%%"], "useCustomBoundsOnly": True}, ["One. Two", "three."]),
        ({"customBounds": ["%%"], "customBoundsStrategy": "append"}, ["One.", "Two %%", "three."]),
        ({"customBounds": ["%%"], "customBoundsStrategy": "prepend"}, ["One.", "Two", "%% three."]),
        ({"splitLength": 4}, ["One.", "Two", "%% t", "hree", "."]),
        ({"minLength": 5}, ["Two %% three."]),
        ({"maxLength": 5}, ["One."]),
    ],
)
def test_sentences_end_where_a_user_wants(params: dict[str, Any], expected: list[str]) -> None:
    detector = SentenceDetector().setInputCols("document").setOutputCol("sentence").setParams(**params)
    light = LightPipeline([DocumentAssembler().setInputCol("text"), detector])
    text = "One. Two %% three."
    (found,) = light.fullAnnotate(text)
    assert [it.result for it in found["sentence"]] == expected
    assert [text[it.begin : it.end + 1] for it in found["sentence"]] == expected


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, ["Mr", ".", "O'Neil-Smith", "(", "NY", ")", "New", "York", "!!"]),
        ({"contextChars": []}, ["Mr.", "O'Neil-Smith", "(NY)", "New", "York!!"]),
        ({"splitChars": ["-", "'"]}, ["Mr", ".", "O", "Neil", "Smith", "(", "NY", ")", "New", "York", "!!"]),
        ({"splitPattern": "e"}, ["Mr", ".", "O'N", "il-Smith", "(", "NY", ")", "N", "w", "York", "!!"]),
        ({"exceptions": ["Mr.", "(ny)"]}, ["Mr.", "O'Neil-Smith", "(", "NY", ")", "New", "York", "!!"]),
        (
            {"exceptions": ["(ny) new"], "caseSensitiveExceptions": False},
            ["Mr", ".", "O'Neil-Smith", "(NY) New", "York", "!!"],
        ),
        (
            {"infixPatterns": [r"([a-zA-Z]+')([a-zA-Z-]+)"]},
            ["Mr.", "O'", "Neil-Smith", "(NY)", "New", "York!!"],
        ),
        (
            {"prefixPattern": r"\A(N?)", "suffixPattern": r"(!*)\z"},
            ["Mr.", "O'Neil-Smith", "(NY)", "N", "ew", "York", "!!"],
        ),
        ({"targetPattern": "[a-zA-Z]+"}, ["Mr", "O", "Neil", "Smith", "NY", "New", "York"]),
        ({"minLength": 3, "maxLength": 4}, ["New", "York"]),
    ],
)
def test_tokens_are_split_as_a_user_wants(params: dict[str, Any], expected: list[str]) -> None:
    tokenizer = Tokenizer().setInputCols("document").setOutputCol("token").setParams(**params)
    light = LightPipeline([DocumentAssembler().setInputCol("text"), tokenizer])
    text = "Mr. O'Neil-Smith (NY) New York!!"
    assert light.annotate(text)["token"] == expected


def test_a_saved_pipeline_answers_the_same(frame: Any, tmp_path: Path) -> None:
    path = os.fspath(tmp_path / "pipeline")
    model = pipeline(maxSentenceLength=9, longText="tail").fit(frame)
    model.write().overwrite().save(path)
    loaded = PipelineModel.load(path)
    assert [stage.uid for stage in loaded.stages] == [stage.uid for stage in model.stages]
    assert loaded.transform(frame).collect() == model.transform(frame).collect()
    classifier = loaded.stages[-1]
    assert (classifier.getMaxSentenceLength(), classifier.getLongText()) == (9, "tail")
    # A bundled model is recognised, so that executors need not be sent its files.
    assert classifier.files.name == "sst2-mini"


def test_a_saved_stage_keeps_the_model_that_it_was_saved_with(tmp_path: Path, spark: Any) -> None:
    folder, saved = tmp_path / "model", os.fspath(tmp_path / "saved")
    copy_of_model(folder)
    stage = DistilnpClassifier(inputCol="text", outputCol="mood", model=folder, maxLength=16)
    stage.save(saved)
    shutil.rmtree(folder)
    loaded = DistilnpClassifier.load(saved)
    assert (loaded.getMaxLength(), loaded.getOutputCol(), loaded.getClasses()) == (16, "mood", ["NO", "YES"])
    row = loaded.transform(spark.createDataFrame([["What a joy."]], "text string")).first()
    assert row["mood"]["label"] == "YES"
    for part in (tmp_path / "saved" / "model").glob("part-*"):
        part.unlink()
    with pytest.raises(CheckpointError, match=r"model.safetensors.* is damaged or missing"):
        DistilnpClassifier.load(saved)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda saved: "xx", "is not what Spark writes"),
        (lambda saved: "[]", "is not what Spark writes"),
        (lambda saved: json.dumps(saved | {"class": "os.system"}), r"was saved by 'os.system', expected"),
        (lambda saved: json.dumps(saved | {"distilnp": {"labels": ["a"]}}), "lacks the files"),
        (lambda saved: json.dumps(saved | {"distilnp": {"labels": 3, "files": {}}}), "lacks the files"),
        (lambda saved: json.dumps(saved | {"paramMap": {"colour": "red"}}), "or the Params"),
        (
            lambda saved: json.dumps(saved | {"distilnp": {"labels": [], "files": {"../evil": "0"}}}),
            "evil' of the saved model is damaged or missing",
        ),
    ],
)
def test_a_damaged_stage_is_one_clear_error(
    damage: Any, message: str, tmp_path: Path, spark: Any, saved_stage: Path
) -> None:
    shutil.copytree(saved_stage, tmp_path / "stage")
    folder = tmp_path / "stage" / "metadata"
    (part,) = folder.glob("part-*")
    for checksum in folder.glob(".*.crc"):
        checksum.unlink()
    part.write_text(damage(json.loads(part.read_text())))
    with pytest.raises(CheckpointError, match=message):
        DistilnpClassifier.load(os.fspath(tmp_path / "stage"))


@pytest.fixture(scope="module")
def saved_stage(tmp_path_factory: pytest.TempPathFactory, spark: Any) -> Path:
    path = tmp_path_factory.mktemp("saved") / "stage"
    DistilnpClassifier(inputCol="text").save(os.fspath(path))
    return path


def test_what_another_program_saved_is_refused(tmp_path: Path, spark: Any) -> None:
    path = os.fspath(tmp_path / "other")
    DocumentAssembler().save(path)
    with pytest.raises(
        CheckpointError, match=r"was saved by .*DocumentAssembler', expected .*DistilnpClassifier"
    ):
        DistilnpClassifier.load(path)


def copy_of_model(folder: Path, labels: tuple[str, str] = ("NO", "YES")) -> None:
    """Make a folder with the weights of sst2-mini and other labels, which no machine has but this one."""
    shutil.copytree(distilnp.load("sst2-mini").folder, folder)
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = dict(enumerate(labels))
    config["label2id"] = {label: i for i, label in enumerate(labels)}
    (folder / "config.json").write_text(json.dumps(config))


def test_a_column_of_predictions(spark: Any, frame: Any) -> None:
    found = classify(frame, "text", output="mood").orderBy("id").collect()
    for row, expected in zip(found, distilnp.load().classify(TEXTS, missing="none"), strict=True):
        if expected is None:
            assert row["mood"] is None
        else:
            assert row["mood"].asDict() == {
                "label": expected.label,
                "score": expected.score,
                "labels": list(expected.labels),
                "scores": expected.scores,
                "n_tokens": expected.n_tokens,
                "n_seen": expected.n_seen,
                "truncated": expected.truncated,
            }
    stage = DistilnpClassifier(inputCol="text", outputCol="mood")
    assert Pipeline(stages=[stage]).fit(frame).transform(frame).orderBy("id").collect() == found


def test_options_are_those_of_load(spark: Any) -> None:
    frame = spark.createDataFrame([["What a joy. " * 30]], "text string")
    options = {
        "max_length": 32,
        "long_text": "windows",
        "stride": 4,
        "precision": "int8",
        "labels": ["-", "+"],
    }
    mood = classify(frame, "text", output="mood", **options).first()["mood"]
    expected = distilnp.load(**options).classify("What a joy. " * 30)
    assert (mood["label"], mood["score"], mood["n_seen"]) == ("+", expected.score, expected.n_tokens)


@pytest.mark.parametrize("name", ["text.body", "a b", "te`xt", "größe"])
def test_any_name_of_a_column_will_do(name: str, spark: Any) -> None:
    frame = spark.createDataFrame([["What a joy."]], [name])
    assert classify(frame, name).first()["prediction"]["label"] == "POSITIVE"
    documents = DocumentAssembler().setInputCol(name).setOutputCol(f"{name}.d").transform(frame)
    classifier = DistilBertForSequenceClassification.pretrained("sst2-mini")
    found = classifier.setInputCols(f"{name}.d").setOutputCol("class").transform(documents)
    assert found.first()["class"][0]["result"] == "POSITIVE"


def test_a_row_has_the_same_bits_in_every_partition(spark: Any) -> None:
    texts = [f"What a {word}." for word in ("joy", "bore", "waste", "film")] * 8
    frame = spark.createDataFrame([[text] for text in texts], "text string")
    found = [
        {
            (row["text"], row["prediction"]["score"])
            for row in classify(frame.repartition(n), "text").collect()
        }
        for n in (1, 3)
    ]
    assert found[0] == found[1] and len(found[0]) == 4


def test_a_stream_is_classified(spark: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "one.txt").write_text("What a joy.\nWhat a bore.\n")
    lines = spark.readStream.text(os.fspath(tmp_path / "in"))
    stream = classify(lines, "value").select("value", "prediction.label")
    query = (
        stream.writeStream.format("memory")
        .queryName("moods")
        .trigger(availableNow=True)
        .option("checkpointLocation", os.fspath(tmp_path / "state"))
        .start()
    )
    query.awaitTermination()
    found = {row["value"]: row["label"] for row in spark.table("moods").collect()}
    assert found == {"What a joy.": "POSITIVE", "What a bore.": "NEGATIVE"}


def test_arrow_may_be_off(spark: Any, model: Any, frame: Any, rows: list[Any]) -> None:
    spark.conf.set("spark.sql.execution.arrow.pyspark.enabled", "false")
    assert model.transform(frame).orderBy("id").collect() == rows


def test_batches_of_spark_change_nothing(spark: Any, model: Any, frame: Any, rows: list[Any]) -> None:
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "2")
    try:
        assert model.transform(frame.coalesce(1)).orderBy("id").collect() == rows
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")


def test_a_column_that_nobody_reads_is_not_computed(model: Any, frame: Any) -> None:
    plan = model.transform(frame).select("document")._jdf.queryExecution().optimizedPlan().toString()
    assert "ArrowEvalPython" not in plan


def test_a_cut_document_is_said_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    LightPipeline(pipeline(maxSentenceLength=8).getStages()).annotate(["so " * 20, "short"])
    assert "1 of 2 texts have more than 8 tokens" in caplog.text


def test_several_labels_may_apply(spark: Any) -> None:
    def found(**params: Any) -> list[tuple[str, list[str]]]:
        (annotations,) = LightPipeline(pipeline(**params).getStages()).fullAnnotate(
            "a strange but watchable film"
        )
        return [(it.result, list(it.metadata)) for it in annotations["class"]]

    scores = ["sentence", "NEGATIVE", "POSITIVE"]
    assert found(multilabel=True, threshold=0.0) == [("NEGATIVE", scores), ("POSITIVE", scores)]
    assert found(activation="sigmoid", threshold=1.0) == []
    assert found(activation="identity", threshold=1.0) == [("POSITIVE", scores)]


@pytest.mark.parametrize(
    ("made", "error", "parts"),
    [
        (lambda f: classify(f, "nope"), ArgumentError, ["'nope'", "not a column", "'id', 'text'"]),
        (lambda f: classify(f, "id"), ArgumentError, ["'id'", "int", "string"]),
        (lambda f: classify(TEXTS, "text"), InputTypeError, ["list", "DataFrame"]),
        (lambda f: classify(f, "text", "no-such-model-at-all/x/y"), ModelNotFoundError, ["no-such-model"]),
        (lambda f: classify(f, "text", max_length=9999), ArgumentError, ["9999", "512"]),
        (lambda f: DistilnpClassifier().transform(f), ArgumentError, ["no inputCol"]),
        (lambda f: DocumentAssembler().transform(f), ArgumentError, ["no inputCol"]),
        (lambda f: DocumentAssembler().setInputCol("nope").transform(f), ArgumentError, ["'nope'", "'text'"]),
        (lambda f: DocumentAssembler().setInputCol("id").transform(f), ArgumentError, ["'id'", "string"]),
        (lambda f: Finisher().transform(f), ArgumentError, ["no inputCols"]),
        (lambda f: Finisher().setInputCols("text").transform(f), ArgumentError, ["'text'", "annotations"]),
        (
            lambda f: Finisher().setInputCols("text").setOutputCols("a", "b").transform(f),
            ArgumentError,
            ["outputCols", "1 names"],
        ),
        (lambda f: Tokenizer().setOutputCol("t").transform(f), ArgumentError, ["no inputCols"]),
        (lambda f: Tokenizer().setInputCols("text").transform(f), ArgumentError, ["no outputCol"]),
        (
            lambda f: Tokenizer().setInputCols("text").setOutputCol("t").transform(f),
            ArgumentError,
            ["'text'", "annotations"],
        ),
        (
            lambda f: pipeline().getStages()[-1].setInputCols("nope", "x").transform(f),
            ArgumentError,
            ["'nope'", "'text'"],
        ),
        (
            lambda f: DistilBertForSequenceClassification().getClasses(),
            ArgumentError,
            ["no model", "pretrained"],
        ),
        (
            lambda f: DistilBertForSequenceClassification.pretrained("no-such-model"),
            ModelNotFoundError,
            ["no-such-model"],
        ),
        (
            lambda f: DistilBertForSequenceClassification.pretrained(lang="de"),
            ModelNotFoundError,
            ["'de'", "'en'"],
        ),
        (
            lambda f: DistilBertForSequenceClassification.pretrained("x", remote_loc="s3://bucket"),
            ModelNotFoundError,
            ["remote_loc", "cache_pretrained"],
        ),
        (lambda f: LightPipeline(3), InputTypeError, ["int", "PipelineModel"]),
        (lambda f: LightPipeline([]).annotate(3), InputTypeError, ["3", "str"]),
        (lambda f: LightPipeline([]).annotate("a", "b"), ArgumentError, ["optional_target"]),
        (lambda f: LightPipeline([object()]).annotate("a"), ArgumentError, ["object", "setIgnore"]),
        (
            lambda f: LightPipeline(pipeline().getStages()[1:]).annotate("a"),
            ArgumentError,
            ["SentenceDetector", "'document'", "none"],
        ),
    ],
)
def test_a_mistake_is_one_clear_error_on_the_driver(
    made: Any, error: type[Exception], parts: list[str], frame: Any
) -> None:
    with pytest.raises(error) as caught:
        made(frame)
    assert [part for part in parts if part not in str(caught.value)] == []


def test_tokens_are_not_taken_for_documents(model: Any, frame: Any) -> None:
    annotated = model.transform(frame)
    classifier = DistilBertForSequenceClassification.pretrained("sst2-mini").setOutputCol("again")
    for columns in (["token", "sentence"], ["sentence", "token"]):
        again = classifier.setInputCols(columns).transform(annotated).select("again", "class").collect()
        assert [row["again"] for row in again] == [row["class"] for row in again]
    with pytest.raises(ArgumentError, match=r"'token' of token, expected one of document alone"):
        classifier.setInputCols("token").transform(annotated)
    with pytest.raises(ArgumentError, match=r"'sentence' of document, 'document' of document, expected one"):
        classifier.setInputCols("sentence", "document").transform(annotated)
    # A computed column has no metadata.
    bare = annotated.select(*(F.slice(name, 1, 99).alias(name) for name in ("sentence", "token")))
    with pytest.raises(ArgumentError, match=r"'sentence' of unknown type, 'token' of unknown type"):
        classifier.setInputCols("sentence", "token").transform(bare)


@pytest.mark.parametrize(
    ("package", "message"),
    [
        (
            "raise ModuleNotFoundError('it is not here')",
            r"it is not here where this Python worker .* Expected distilnp [\d.]+, as on",
        ),
        (
            "__version__ = '0.0.1'",
            r"distilnp 0\.0\.1 is installed .* Expected distilnp [\d.]+, as on the driver",
        ),
    ],
)
def test_a_worker_without_this_distilnp_says_what_to_install(
    package: str, message: str, spark: Any, frame: Any, tmp_path: Path
) -> None:
    (tmp_path / "distilnp.py").write_text(package)
    spark.sparkContext.environment["PYTHONPATH"] = os.fspath(tmp_path)
    try:
        with pytest.raises(Exception, match=message) as caught:
            classify(frame, "text").collect()
    finally:
        del spark.sparkContext.environment["PYTHONPATH"]
    assert 'pip install "distilnp[spark]"' in str(caught.value)


def test_a_worker_with_other_files_refuses_to_answer(spark: Any, frame: Any, tmp_path: Path) -> None:
    copy_of_model(tmp_path / "model")
    classified = classify(frame, "text", tmp_path / "model")
    vocabulary = tmp_path / "model" / "vocab.txt"
    vocabulary.write_text(vocabulary.read_text().replace("\njoy\n", "\nyoj\n"))
    with pytest.raises(Exception, match=r"has the fingerprint .* expected .* as on the driver"):
        classified.collect()
