"""`distilnp explain`: what it writes for people and for programs."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from support.seeded_models import seeded_tensors, write_checkpoint
from support.variants import SMALL

import distilnp
from distilnp.cli import main

TEXT = "A dreadful, boring film, although well acted."


def test_a_program_gets_the_explanations_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", TEXT, "What a joy."]) == 0

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows == [distilnp.load().explain(text).as_dict(full=True) for text in (TEXT, "What a joy.")]


def test_people_get_the_words_that_count_most(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", TEXT, "--format", "table", "--counterfactual"]) == 0

    headline, text, strongest, *_, last = capsys.readouterr().out.splitlines()
    assert headline == "NEGATIVE 0.9814 (logit +1.92), by leaving out each word"
    assert text == TEXT
    assert strongest.split()[:2] == ["boring", "+1.072"]
    assert last == "Without dreadful, boring, the label is POSITIVE (0.9962). No fewer words do that."


@pytest.mark.parametrize("target", ["POSITIVE", "1"])
def test_a_target_is_a_label_or_an_id(target: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", TEXT, "--target", target, "--method", "attention_rollout"]) == 0

    values = json.loads(capsys.readouterr().out)
    assert (values["target"], values["method"]) == ("POSITIVE", "attention_rollout")


def test_a_pair_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "Who wrote it?", "--text-pair", "Nobody.", "--counterfactual"]) == 0

    values = json.loads(capsys.readouterr().out)
    assert values["texts"] == ["Who wrote it?", "Nobody."]
    assert values["counterfactual"] is None or values["counterfactual"]["shortened"]


@pytest.mark.parametrize("target", ["GOOD", "2", "-1", "\u0661", "9" * 5000])
def test_a_target_that_is_no_label_is_one_clear_error(
    target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", TEXT, f"--target={target}"]) == 1

    message = capsys.readouterr().err
    assert f"target is '{target[:9]}" in message
    assert "expected one of the labels ('NEGATIVE', 'POSITIVE'), or an id from 0 to 1" in message


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("w1 w2 w3 w4", r"Without w1, no label applies\. No fewer words do that\."),
        ("w1", r"Without w1, the label is c \(0\.\d{4}\)\. No fewer words do that\."),
        ("w9 w8", r"Without w8, the labels are b \(0\.\d{4}\), c \(0\.\d{4}\)\. No fewer words do that\."),
    ],
)
def test_all_labels_that_apply_without_the_words_are_named(
    text: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = replace(
        SMALL, vocab_size=45, id2label=("a", "b", "c"), problem_type="multi_label_classification"
    )
    write_checkpoint(tmp_path, config, seeded_tensors(config))

    assert main(["explain", text, "--model", f"{tmp_path}", "--format", "table", "--counterfactual"]) == 0

    assert re.fullmatch(sentence, capsys.readouterr().out.splitlines()[-1])


def test_a_strange_text_does_nothing_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "\x1b[2Jfilm\nerror: \u202e", "--format", "table"]) == 0

    assert not {"\x1b", "\u202e"} & set(capsys.readouterr().out)
