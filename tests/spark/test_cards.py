"""The snippets of the two model cards, with nothing changed but the imports, in a process of their own.

A hub on loopback has the models. The cards: Spark NLP, 2021-11-21, distilbert_sequence_classifier_sst2 and
distilbert_base_sequence_classifier_imdb.
"""

import json
import os
from pathlib import Path

import pytest
from support.children import environment, run_python
from support.hub_server import Repository, running_hub
from support.spark_sessions import SETTINGS

import distilnp

IMPORTS = """
from distilnp.spark.base import *
from distilnp.spark.annotator import *
"""

SST2 = """
document_assembler = DocumentAssembler() \\
.setInputCol('text') \\
.setOutputCol('document')

tokenizer = Tokenizer() \\
.setInputCols(['document']) \\
.setOutputCol('token')

sequenceClassifier = DistilBertForSequenceClassification \\
.pretrained('distilbert_sequence_classifier_sst2', 'en') \\
.setInputCols(['token', 'document']) \\
.setOutputCol('class') \\
.setMaxSentenceLength(512)

pipeline = Pipeline(stages=[
document_assembler,
tokenizer,
sequenceClassifier
])

example = spark.createDataFrame([['I like you. I love you.']]).toDF("text")
result = pipeline.fit(example).transform(example)
"""

IMDB = """
document_assembler = DocumentAssembler() \\
.setInputCol('text') \\
.setOutputCol('document')

tokenizer = Tokenizer() \\
.setInputCols(['document']) \\
.setOutputCol('token')

sequenceClassifier = DistilBertForSequenceClassification \\
.pretrained('distilbert_base_sequence_classifier_imdb', 'en') \\
.setInputCols(['token', 'document']) \\
.setOutputCol('class') \\
.setCaseSensitive(True) \\
.setMaxSentenceLength(512)

pipeline = Pipeline(stages=[
document_assembler, 
tokenizer,
sequenceClassifier    
])

example = spark.createDataFrame([['I really liked that movie!']]).toDF("text")
result = pipeline.fit(example).transform(example)
"""

# nlu.load("en.classify.distilbert_sequence.sst2").predict("...") is one line here as well.
NLU = """
import distilnp
predictions = [
    distilnp.classify("I like you. I love you.", "en.classify.distilbert_sequence.sst2"),
    distilnp.classify("I really liked that movie!", "en.classify.distilbert_sequence.imdb"),
]
"""

SCRIPT = """
import json, os, sys, warnings
from pyspark.sql import SparkSession
settings, snippets, nlu = json.loads(sys.argv[1])
builder = SparkSession.builder.master("local[2]")
for name, value in settings.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
answers, said = [], []
for snippet in snippets:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", UserWarning)
        exec(snippet)
    said.append([str(warning.message) for warning in seen if warning.category is UserWarning])
    answers.append([[it.result, it.metadata] for it in result.first()["class"]])
exec(nlu)
print("ANSWER", json.dumps([answers, said, [[p.label, p.scores] for p in predictions]]))
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    folder = distilnp.load("sst2-mini").folder
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with running_hub() as hub:
        for name in ("distilbert-base-uncased-finetuned-sst-2-english", "lvwerra/distilbert-imdb"):
            hub.repositories[name] = Repository()
            hub.repositories[name].commit(files)
        home = tmp_path_factory.mktemp("home")
        env = environment(HF_ENDPOINT=hub.endpoint, HF_HOME=os.fspath(home), HF_HUB_OFFLINE="0")
        given = json.dumps([SETTINGS, [IMPORTS + SST2, IMPORTS + IMDB], NLU])
        run = run_python(SCRIPT, given, env=env)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.rpartition("ANSWER")[2])


def test_both_snippets_run_and_answer(outcome: list[object]) -> None:
    (((sst2, sst2_scores),), ((imdb, imdb_scores),)), *_ = outcome
    assert (sst2, imdb) == ("POSITIVE", "pos")
    assert list(sst2_scores) == ["sentence", "NEGATIVE", "POSITIVE"]
    assert list(imdb_scores) == ["sentence", "neg", "pos"]
    expected = distilnp.load("sst2-mini").classify("I like you. I love you.")
    assert float(sst2_scores["POSITIVE"]) == pytest.approx(expected.score, rel=1e-7)


def test_only_the_contradiction_in_the_second_one_is_said(outcome: list[object]) -> None:
    _, (sst2, imdb), _ = outcome
    assert sst2 == []
    (warning,) = imdb
    assert "caseSensitive is True, and the tokenizer of this model lowercases" in warning


def test_the_snippets_of_nlu_have_a_counterpart_in_one_line(outcome: list[object]) -> None:
    ((sst2, _), (imdb, scores)) = outcome[2]
    assert (sst2, imdb, list(scores)) == ("POSITIVE", "pos", ["neg", "pos"])


def test_the_snippets_are_those_of_the_cards(data: Path) -> None:
    for name, snippet in (("sst2", SST2), ("imdb", IMDB)):
        card = (data.parent / "cards" / f"{name}.txt").read_text(encoding="utf-8")
        assert snippet.strip() in card
