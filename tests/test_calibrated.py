"""`calibrated=True`: the temperature of a checkpoint changes its scores, and nothing else."""

import json
from pathlib import Path

import numpy as np
import pytest
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint

import distilnp
from distilnp.cli import main
from distilnp.scoring import decode

CONFIG = CONFIGS["odd-sizes"]
TENSORS = seeded_tensors(CONFIG)
TEMPERATURE = 1.75
TEXTS = ["w1 w2 w3", "", "w9 " * 40]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("plain"), CONFIG, TENSORS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("fitted")
    return write_checkpoint(made, CONFIG, TENSORS, calibration_temperature=TEMPERATURE)


def test_a_temperature_is_used_only_on_request(plain: Path, folder: Path) -> None:
    classifier = distilnp.load(folder)

    assert classifier.temperature == distilnp.load(plain).temperature == 1.0
    assert classifier(TEXTS) == distilnp.load(plain)(TEXTS)


@pytest.mark.parametrize("function", ["softmax", "sigmoid"])
def test_scores_come_from_the_logits_divided_by_the_temperature(folder: Path, function: str) -> None:
    raw = distilnp.load(folder, function_to_apply=function)(TEXTS)
    classifier = distilnp.load(folder, function_to_apply=function, calibrated=True)

    assert classifier.temperature == TEMPERATURE
    for before, after in zip(raw, classifier(TEXTS), strict=True):
        x = before.logits.astype(np.float64) / TEMPERATURE
        expected = np.exp(x) / np.exp(x).sum() if function == "softmax" else 1 / (1 + np.exp(-x))
        # The logits are below 10, and exp and its argument are rounded a few times.
        np.testing.assert_allclose(list(after.scores.values()), expected, rtol=1e-14)
        assert after.logits.tobytes() == before.logits.tobytes()
        assert (after.label, after.score) == (before.label, after.scores[before.label])
        assert after.score != before.score


@pytest.mark.parametrize("aggregate", ["mean_probs", "mean_logits", "max"])
def test_windows_are_calibrated_before_they_are_aggregated(folder: Path, aggregate: str) -> None:
    options = {"max_length": 12, "long_text": "windows", "aggregate": aggregate}

    answer = distilnp.load(folder, calibrated=True, **options)(TEXTS[2])

    raw = distilnp.load(folder, **options)(TEXTS[2])
    scores = np.array([list(window.scores.values()) for window in answer.windows])
    for window, before in zip(answer.windows, raw.windows, strict=True):
        assert list(window.scores.values()) == decode(before.logits, "softmax", TEMPERATURE)
    new = [window.n_new for window in answer.windows]
    expected = {
        "mean_probs": np.average(scores, axis=0, weights=new),
        "mean_logits": decode(raw.logits, "softmax", TEMPERATURE),
        "max": scores.max(axis=0),
    }[aggregate]
    assert len(scores) > 2
    assert list(answer.scores.values()) == pytest.approx(expected, rel=1e-14)
    assert answer.logits.tobytes() == raw.logits.tobytes()


def test_sentences_are_calibrated_before_they_are_aggregated(folder: Path) -> None:
    answer = distilnp.load(folder, sentences=True, calibrated=True)("W1 w2. W3 w4 w5.")

    calibrated = distilnp.load(folder, calibrated=True)
    alone = [calibrated(text).scores for text in ("W1 w2.", "W3 w4 w5.")]
    assert [sentence.scores for sentence in answer.sentences] == alone
    mean = [sum(values) / 2 for values in zip(*(scores.values() for scores in alone), strict=True)]
    assert list(answer.scores.values()) == pytest.approx(mean, rel=1e-14)


def test_calibrated_and_raw_scores_can_be_requested_in_turn(folder: Path) -> None:
    raw, calibrated = distilnp.load(folder), distilnp.load(folder, calibrated=True)

    for _ in range(2):
        assert distilnp.classify(TEXTS, folder, calibrated=True) == calibrated(TEXTS)
        assert distilnp.classify(TEXTS, folder) == raw(TEXTS)


def test_a_checkpoint_without_a_temperature_is_an_error_that_names_the_field(plain: Path) -> None:
    with pytest.raises(distilnp.ArgumentError) as raised:
        distilnp.load(plain, calibrated=True)

    for words in (str(plain / "config.json"), "has no calibration_temperature", "--fit-temperature"):
        assert words in str(raised.value)


def test_calibration_without_softmax_or_sigmoid_is_refused(folder: Path) -> None:
    with pytest.raises(distilnp.ArgumentError, match=r"calibrated is True .* 'none', expected 'softmax' or"):
        distilnp.load(folder, function_to_apply="none", calibrated=True)


def test_an_unusable_temperature_is_an_error_that_names_its_file(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, CONFIG, TENSORS, calibration_temperature=0)

    with pytest.raises(distilnp.ConfigError, match=r"config\.json: calibration_temperature is 0, expected"):
        distilnp.load(tmp_path)


def test_the_command_calibrates_scores_on_request(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["classify", "--model", str(folder), "--format", "jsonl", "--all-scores", TEXTS[0]]

    assert main([*command, "--calibrated"]) == 0
    calibrated = json.loads(capsys.readouterr().out)
    assert main(command) == 0
    raw = json.loads(capsys.readouterr().out)

    assert calibrated["scores"] == distilnp.load(folder, calibrated=True)(TEXTS[0]).scores
    assert raw["scores"] == distilnp.load(folder)(TEXTS[0]).scores


def test_the_command_refuses_a_checkpoint_that_load_refuses(
    plain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["classify", "--model", str(plain), "--calibrated", "w1"]) == 1

    assert "has no calibration_temperature" in capsys.readouterr().err


def test_info_reports_the_temperature(plain: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reported = {}
    for model in (plain, folder):
        assert main(["info", str(model)]) == 0
        (reported[model],) = [line for line in capsys.readouterr().out.splitlines() if "calibrated" in line]
    assert main(["info", str(folder), "--format", "json"]) == 0

    assert "by the temperature 1.75" in reported[folder]
    assert "no temperature given" in reported[plain]
    assert json.loads(capsys.readouterr().out)["calibration_temperature"] == TEMPERATURE
