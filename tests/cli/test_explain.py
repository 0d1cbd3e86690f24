"""`distilnp explain`: what it writes for people and for programs."""

import json

import pytest

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


def test_a_target_that_is_no_label_is_one_clear_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", TEXT, "--target", "GOOD"]) == 1

    assert "target is 'GOOD', expected one of the labels ('NEGATIVE', 'POSITIVE')" in capsys.readouterr().err


def test_a_strange_text_does_nothing_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "\x1b[2Jfilm\nerror: \u202e", "--format", "table"]) == 0

    assert not {"\x1b", "\u202e"} & set(capsys.readouterr().out)
