"""`evaluate` and `compare` from Python: figures equal those of scikit-learn, and bad input is named."""

import csv
import itertools
import json
import math
import os
from argparse import Namespace
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, log_softmax
from scipy.stats import binom, binomtest, pearsonr
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
)
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint

import distilnp
from distilnp import ArgumentError, InputTypeError
from distilnp.calibration import expected_calibration_error, fit_temperature, over_the_other_half
from distilnp.choices import USUAL_MIN_SCORES
from distilnp.cli import main, report
from distilnp.evaluation.base import Truncation
from distilnp.evaluation.measures import difference_interval
from distilnp.evaluation.truth import LabelSets, Numbers
from distilnp.widths import columns_of

LABELS = "abcdefg"
TEXTS = [" ".join(f"w{(i * k) % 150}" for k in range(1, 3 + i % 9)) for i in range(60)]
TRUTH = [LABELS[i * i % 6] for i in range(60)]
SETS = [[label for k, label in enumerate(LABELS[:6]) if (i * i + k) % 4 == 0] for i in range(60)]
NUMBERS = [(i * i % 7) / 2 - 1 for i in range(60)]


def checkpoint(folder: Path, name: str = "odd-sizes", seed: int = 1, **changes: Any) -> distilnp.Classifier:
    config = CONFIGS[name]
    return distilnp.load(write_checkpoint(folder, config, seeded_tensors(config, seed), **changes))


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> distilnp.Classifier:
    return checkpoint(tmp_path_factory.mktemp("single"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> distilnp.Classifier:
    return checkpoint(tmp_path_factory.mktemp("other"), seed=2)


@pytest.fixture(scope="module")
def multi(tmp_path_factory: pytest.TempPathFactory) -> distilnp.Classifier:
    folder = tmp_path_factory.mktemp("multi")
    return checkpoint(folder, problem_type="multi_label_classification")


@pytest.fixture(scope="module")
def regression(tmp_path_factory: pytest.TempPathFactory) -> distilnp.Classifier:
    return checkpoint(tmp_path_factory.mktemp("regression"), "one-label-relu")


def figures_of_the_command(
    capsys: pytest.CaptureFixture[str], path: Path, rows: list[tuple[str, object]], model: Path
) -> dict[str, Any]:
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
    assert main(["evaluate", os.fspath(path), "--model", os.fspath(model), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    del found["throughput"]
    return found


# ---------------------------------------------------------------------------------------------------- figures


def test_one_winning_label_has_the_figures_of_scikit_learn(single: distilnp.Classifier) -> None:
    answers = single(TEXTS)
    predicted = [answer.label for answer in answers]
    probabilities = np.array([list(answer.scores.values()) for answer in answers])

    found = single.evaluate(TEXTS, TRUTH)

    assert 0 < found.n_right < 60
    assert found.accuracy == accuracy_score(TRUTH, predicted)
    assert found.labels == tuple(sorted({*TRUTH, *predicted}))
    assert {*found.labels, *found.absent_labels} == {*LABELS}
    columns = precision_recall_fscore_support(TRUTH, predicted, labels=found.labels, zero_division=0)
    assert [tuple(row) for row in found.per_label.values()] == list(zip(*columns, strict=True))
    assert found.confusion_matrix.tolist() == confusion_matrix(TRUTH, predicted).tolist()
    assert found.log_loss == pytest.approx(log_loss(TRUTH, probabilities, labels=list(LABELS)), rel=1e-12)
    assert found.calibration_error == expected_calibration_error(probabilities.max(axis=1), found.right)
    assert found.logits.tobytes() == b"".join(answer.logits.tobytes() for answer in answers)


def test_labels_by_themselves_have_the_figures_of_scikit_learn(multi: distilnp.Classifier) -> None:
    answers = multi(TEXTS)
    sets = [given if i % 4 else list(answers[i].labels) for i, given in enumerate(SETS)]
    truth = np.array([[label in given for label in LABELS] for given in sets])
    predicted = np.array([[label in answer.labels for label in LABELS] for answer in answers])
    scores = np.array([list(answer.scores.values()) for answer in answers])

    found = multi.evaluate(TEXTS, sets)

    present = [LABELS.index(label) for label in found.labels]
    assert 0 < found.n_right < 60
    assert found.exact_match == accuracy_score(truth, predicted)
    assert found.exact_match_interval == tuple(binomtest(found.n_right, 60).proportion_ci(method="wilson"))
    columns = precision_recall_fscore_support(truth, predicted, labels=present, zero_division=0)
    assert np.array(list(found.per_label.values())) == pytest.approx(np.array(columns).T)
    assert found.micro_f1 == pytest.approx(f1_score(truth, predicted, average="micro"))
    assert found.macro_f1 == pytest.approx(f1_score(truth, predicted, labels=present, average="macro"))
    assert found.log_loss == pytest.approx(log_loss(truth.ravel(), scores.ravel()), rel=1e-12)
    assert found.calibration_error == expected_calibration_error(scores.ravel(), truth.ravel())


def test_numbers_have_the_figures_of_scipy(regression: distilnp.Classifier) -> None:
    predicted = np.array([answer.score for answer in regression(TEXTS)])
    errors = predicted - NUMBERS

    found = regression.evaluate(TEXTS, NUMBERS)

    assert found.mean_absolute_error == pytest.approx(np.abs(errors).mean())
    assert found.root_mean_square_error == pytest.approx(math.sqrt((errors**2).mean()))
    assert found.pearson_r == pytest.approx(pearsonr(NUMBERS, predicted).statistic)
    for texts, numbers in ((TEXTS, [1.0] * 60), (TEXTS[:1], [1.0])):
        assert regression.evaluate(texts, numbers).pearson_r is None


def test_the_command_has_the_same_figures(
    single: distilnp.Classifier,
    multi: distilnp.Classifier,
    regression: distilnp.Classifier,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for classifier, labels in ((single, TRUTH), (multi, SETS), (regression, NUMBERS)):
        rows = list(zip(TEXTS, labels, strict=True))
        found = figures_of_the_command(capsys, tmp_path / "a.jsonl", rows, classifier.folder)
        assert found == classifier.evaluate(TEXTS, labels).as_dict()
        for option in ("--digits", "--min-score") if classifier is single else ("--digits",):
            assert (
                main(["evaluate", str(tmp_path / "a.jsonl"), "--model", str(classifier.folder), option, "1"])
                == 0
            )
            assert capsys.readouterr().out


def test_an_evaluation_never_changes_and_shows_itself(
    single: distilnp.Classifier, multi: distilnp.Classifier, regression: distilnp.Classifier
) -> None:
    renamed = replace(single, scoring=replace(single.scoring, labels=("<b>", *LABELS[1:])))
    for classifier, labels in ((single, TRUTH), (multi, SETS), (regression, NUMBERS), (renamed, [0] * 60)):
        found = classifier.evaluate(TEXTS, labels)
        with pytest.raises(FrozenInstanceError):
            found.truncation = None
        arrays = [value for value in vars(found).values() if isinstance(value, np.ndarray)]
        assert arrays
        assert not any(array.flags.writeable for array in arrays)
        assert repr(found).startswith(type(found).__name__)
        assert "\n" not in repr(found)
        assert "<b>accuracy</b>" in found._repr_html_() or classifier not in (single, renamed)
        assert "<td><b>" not in found._repr_html_()


def test_a_model_with_a_single_label_takes_yes_and_no(tmp_path: Path) -> None:
    classifier = checkpoint(tmp_path, "one-label-relu", problem_type=None)
    expected = [answer.labels == ("score",) for answer in classifier(TEXTS)]
    for yes, no in ((True, False), (1, 0), ("1", "0"), ("true", "False"), (["score"], []), (1.0, 0.0)):
        found = classifier.evaluate(TEXTS, [yes if applies else no for applies in expected])
        assert found.exact_match == 1


# ------------------------------------------------------------------------------------------------ temperature


def test_the_temperature_has_the_least_log_loss(
    single: distilnp.Classifier, multi: distilnp.Classifier
) -> None:
    # Answers that are right too rarely have no best temperature, so a third of the labels are the answers.
    answers = single(TEXTS)
    truth = [
        answer.label if i % 3 else given for i, (answer, given) in enumerate(zip(answers, TRUTH, strict=True))
    ]
    logits = np.array([answer.logits for answer in answers], np.float64)
    ids = [LABELS.index(label) for label in truth]

    def loss(x: Any) -> float:
        return -log_softmax(logits / math.exp(x[0]), axis=1)[range(60), ids].mean()

    found = single.evaluate(TEXTS, truth)

    witness = math.exp(minimize(loss, [0.0], method="Nelder-Mead", options={"xatol": 1e-9}).x[0])
    assert found.temperature() == pytest.approx(witness, rel=1e-4)
    assert found.temperature() != pytest.approx(1, rel=0.01)
    calibrated = replace(single, scoring=replace(single.scoring, temperature=found.temperature()))
    assert calibrated.evaluate(TEXTS, truth).log_loss < found.log_loss
    # Logits are those of the model, so a calibrated classifier has the same temperature.
    assert calibrated.evaluate(TEXTS, truth).temperature() == found.temperature()

    sets = [[name for name in answer.labels if name not in "b"] for answer in multi(TEXTS)]
    found = multi.evaluate(TEXTS, sets)

    def loss_of_sets(x: Any) -> float:
        p = expit(found.logits.astype(float) / math.exp(x[0]))
        return log_loss(found.truth.ravel(), p.ravel())

    witness = math.exp(minimize(loss_of_sets, [0.0], method="Nelder-Mead", options={"xatol": 1e-9}).x[0])
    assert found.temperature() == pytest.approx(witness, rel=1e-4)


def test_there_is_no_temperature_where_none_is_best(single: distilnp.Classifier) -> None:
    right = [answer.label for answer in single(TEXTS)]
    with pytest.raises(ArgumentError, match=r"log loss is least at a temperature of 0.2 or beyond"):
        single.evaluate(TEXTS, right).temperature()
    in_windows = distilnp.load(single.folder, max_length=5, long_text="windows")
    with pytest.raises(ArgumentError, match="texts were answered in windows or sentences"):
        in_windows.evaluate(TEXTS, TRUTH).temperature()


def test_a_half_is_scaled_by_the_temperature_of_the_other() -> None:
    random = np.random.RandomState(1)
    logits, truth = random.standard_normal((200, 3)) * 2, random.randint(0, 3, 200)
    truth[::4] = logits[::4].argmax(axis=1)
    truth[1::4] = logits[1::4].argmax(axis=1)
    scaled, temperatures = over_the_other_half(logits, truth)
    assert temperatures == (
        fit_temperature(logits[1::2], truth[1::2]),
        fit_temperature(logits[::2], truth[::2]),
    )
    assert temperatures[0] != temperatures[1]
    assert np.array_equal(scaled[::2] * temperatures[0], (logits[::2] / temperatures[0]) * temperatures[0])
    assert np.array_equal(scaled[1::2], logits[1::2] / temperatures[1])


# --------------------------------------------------------------------------------------------------- coverage


def test_coverage_counts_the_answers_that_score_enough(single: distilnp.Classifier) -> None:
    found = single.evaluate(TEXTS, TRUTH)
    edge = float(np.sort(found.scores)[30])
    rows = found.coverage([0, edge, 1])
    for row in rows[:2]:
        answered = found.scores >= row.min_score
        assert (row.n_answered, row.n_right) == (answered.sum(), found.right[answered].sum())
        assert row.coverage == row.n_answered / 60
        assert row.accuracy == row.n_right / row.n_answered
    assert rows[0].accuracy == found.accuracy
    assert rows[1].n_answered == 30  # a score at the edge has its answer
    assert rows[2][1:] == (0, 0.0, 0, None, None)
    for bad in (-0.1, 1.1, math.nan, "0.5", True, None):
        with pytest.raises(ArgumentError, match=r"min_score is .*, expected a number from 0 to 1"):
            found.coverage([bad])


# -------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        (TEXTS, TRUTH[:59], "texts has 60 items and labels has 59, expected one label for each text"),
        (iter(TEXTS), TRUTH[:59], "texts has more than 59 items and labels has 59"),
        (iter(TEXTS), [*TRUTH, "a"], "texts has 60 items and labels has 61"),
        ([], [], "labels is empty, expected at least one"),
        (["w1", "w2"], ["a", None], "labels[1] is None, expected one of the model's: 'a' (id 0), 'b' (id 1)"),
        (["w1"], [math.nan], "labels[0] is nan, expected one of the model's"),
        (["w1"], ["z\x1b"], "labels[0] is 'z\\x1b', expected one of the model's"),
        (["w1"], [7], "labels[0] is 7, expected one of the model's"),
        (["w1"], [["a"]], "labels[0] is ['a'], expected one of the model's"),
        (["w1"], "a", "labels is str, expected a list or a column"),
        (["w1"], np.zeros((1, 7)), "labels is ndarray of the shape (1, 7), expected a list or a column"),
        (["w1"], 5, "labels is int, expected a list or a column"),
        ("w1", ["a"], "texts is str, expected an iterable of texts"),
        ([None], ["a"], "texts[0] is NoneType"),
    ],
)
def test_labels_that_cannot_be_used_are_named(
    single: distilnp.Classifier, texts: Any, labels: Any, message: str
) -> None:
    with pytest.raises((ArgumentError, InputTypeError)) as caught:
        single.evaluate(texts, labels)
    assert message in str(caught.value)


def test_numbers_that_cannot_be_used_are_named(
    regression: distilnp.Classifier, multi: distilnp.Classifier
) -> None:
    for bad in (math.nan, math.inf, None, "two", True, [1.0]):
        with pytest.raises(ArgumentError, match=r"labels\[1\] is .*, expected a finite number"):
            regression.evaluate(["w1", "w2"], [1, bad])
    with pytest.raises(ArgumentError, match=r"the label map is {'a': 'b'}, expected none"):
        regression.evaluate(["w1"], [1], label_map={"a": "b"})
    for bad in (["a", "a"], ["z"], "a, z", [None], {"a": 1, "z": 2}):
        with pytest.raises(ArgumentError, match=r"labels\[0\] is .*, expected a list of the model's labels"):
            multi.evaluate(["w1"], [bad])
    for shape in ((1, 6), (1, 8)):
        with pytest.raises(InputTypeError, match="labels is ndarray of the shape"):
            multi.evaluate(["w1"], np.zeros(shape))
    with pytest.raises(InputTypeError, match="labels is ndarray of the shape"):
        multi.evaluate(["w1"], np.full((1, 7), 2))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["a", "c"], (0, 2)),
        (("c", 0), (0, 2)),
        ({"g"}, (6,)),
        ([], ()),
        ("", ()),
        (" ", ()),
        ("[]", ()),
        ("b", (1,)),
        ("c, a", (0, 2)),
        ('["c", 1]', (1, 2)),
        (3, (3,)),
        ("x,y", (7,)),  # a label with a comma
        ("[", (8,)),
        ("[,a", (0, 8)),
        ("a,,b", None),
        ("a,a", None),
        ("[1, 2", None),
        (9, None),
    ],
)
def test_a_set_of_labels_is_a_list_or_separated_by_commas(value: object, expected: object) -> None:
    assert LabelSets((*LABELS, "x,y", "[")).find(value) == expected


def test_a_number_may_be_written() -> None:
    assert [Numbers().find(value) for value in ("1.5", 2, np.float32(0.5), "-1e3")] == [1.5, 2, 0.5, -1000]


def test_columns_of_other_libraries_are_labels(
    single: distilnp.Classifier, multi: distilnp.Classifier
) -> None:
    expected = single.evaluate(TEXTS, TRUTH).as_dict()
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    polars = pytest.importorskip("polars")
    frame = pandas.DataFrame({"text": TEXTS, "label": TRUTH})
    for column in (
        frame.label,
        frame.label.astype("category"),
        polars.Series(TRUTH),
        pyarrow.array(TRUTH),
        pyarrow.chunked_array([TRUTH[:7], TRUTH[7:]]),
        np.array(TRUTH),
        np.array([LABELS.index(label) for label in TRUTH], np.int8),
        iter(TRUTH),
    ):
        assert single.evaluate(frame.text, column).as_dict() == expected
    with pytest.raises(InputTypeError, match="labels is DataFrame of the shape"):
        single.evaluate(TEXTS, frame[["label"]])
    indicators = np.array([[label in given for label in LABELS] for given in SETS])
    expected = multi.evaluate(TEXTS, SETS).as_dict()
    for dtype in (bool, int, float):
        assert multi.evaluate(TEXTS, indicators.astype(dtype)).as_dict() == expected
    assert multi.evaluate(TEXTS, pyarrow.array(SETS)).as_dict() == expected


def test_a_label_map_translates_labels(single: distilnp.Classifier) -> None:
    translated = [{"a": "A!", "b": True}.get(label, label) for label in TRUTH]
    found = single.evaluate(TEXTS, translated, label_map={"A!": "a", True: "b"})
    assert found.as_dict() == single.evaluate(TEXTS, TRUTH).as_dict()


# ------------------------------------------------------------------------------------------------- comparison


def test_a_comparison_counts_the_rows_that_differ(
    single: distilnp.Classifier,
    other: distilnp.Classifier,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    right = [np.array([answer.label for answer in model(TEXTS)]) == TRUTH for model in (single, other)]
    n_a, n_b = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())

    found = distilnp.compare(single, other, TEXTS, TRUTH)

    assert n_a > 0 < n_b
    assert n_a != n_b
    assert found.only_a.tolist() == np.flatnonzero(right[0] & ~right[1]).tolist()
    assert found.only_b.tolist() == np.flatnonzero(right[1] & ~right[0]).tolist()
    assert found.n_both + found.n_neither + n_a + n_b == found.n_texts == 60
    assert found.p_value == binomtest(n_a, n_a + n_b).pvalue
    assert found.difference == pytest.approx(right[0].mean() - right[1].mean())
    low, high = found.difference_interval
    assert low < found.difference < high
    assert found.a.as_dict() == single.evaluate(TEXTS, TRUTH).as_dict()
    assert found.sentence in found._repr_html_()

    file, differences = tmp_path / "a.jsonl", tmp_path / "differences.jsonl"
    rows = zip(TEXTS, TRUTH, strict=True)
    file.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows))
    command = ["compare", str(single.folder), str(other.folder), str(file), "--differences", str(differences)]
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == found.as_dict()
    written = [json.loads(line) for line in differences.read_text().splitlines()]
    assert [row["line"] - 1 for row in written if row["right"] == "a"] == found.only_a.tolist()
    assert [row["line"] - 1 for row in written if row["right"] == "b"] == found.only_b.tolist()
    as_csv = tmp_path / "differences.csv"
    assert main([*command[:-1], str(as_csv)]) == 0
    with as_csv.open(encoding="utf-8", newline="") as table:
        rows_of_csv = list(csv.DictReader(table))
    assert [{**row, "line": int(row["line"])} for row in rows_of_csv] == [
        {key: value if key == "line" else str(value) for key, value in row.items()} for row in written
    ]
    assert capsys.readouterr().out.split("\n\n")[-1].split() == found.sentence.split()


def sentence(only_a: int, only_b: int, both: int) -> str:
    truth = np.zeros(only_a + only_b + both, np.int32)
    answers = [truth.copy(), truth.copy()]
    answers[0][only_a : only_a + only_b] = 1
    answers[1][:only_a] = 1
    common = {
        "truncation": None,
        "model_labels": ("a", "b"),
        "true_ids": truth,
        "scores": None,
        "true_probabilities": None,
        "logits": None,
        "in_parts": False,
    }
    a, b = (distilnp.SingleLabelEvaluation(predicted_ids=ids, **common) for ids in answers)
    return distilnp.Comparison(name_a="x", name_b="y", a=a, b=b).sentence


def test_the_sentence_claims_no_more_than_the_rows_show() -> None:
    assert sentence(40, 28, 804) == (
        "On these 872 rows, A is right for 12 more than B; with 68 differences, chance alone gives that or "
        "more in 18 % of cases: the rows do not tell which is better."
    )
    assert sentence(8, 30, 0).endswith(
        "B is right for 22 more than A; with 38 differences, chance alone gives that or more in 0.047 % of "
        "cases: B is better on texts like these."
    )
    assert sentence(99, 0, 1).endswith("in less than 0.01 % of cases: A is better on texts like these.")
    assert sentence(1, 0, 0) == (
        "On this 1 row, A is right for 1 more than B; with 1 difference, chance alone gives that or more in "
        "100 % of cases: the rows do not tell which is better."
    )
    assert (
        sentence(0, 0, 9) == "On these 9 rows, A and B are right for the same ones: nothing tells them apart."
    )
    assert sentence(3, 3, 9).endswith("A and B are right equally often, each alone for 3: neither is better.")


def test_the_interval_of_a_difference_covers_it_as_often_as_it_says() -> None:
    """Every outcome of 40 texts, weighted by its probability: no sampling."""
    n = 40
    for p_a, p_b in ((0.1, 0.1), (0.2, 0.05), (0.3, 0.1), (0.05, 0.02)):
        covered = 0.0
        for n_different, only_a in itertools.combinations_with_replacement(range(n, -1, -1), 2):
            probability = binom.pmf(n_different, n, p_a + p_b) * binom.pmf(
                only_a, n_different, p_a / (p_a + p_b)
            )
            low, high = difference_interval(only_a, n_different - only_a, n)
            covered += probability * (low <= p_a - p_b <= high)
        assert 0.94 < covered < 0.995
    assert difference_interval(5, 2, 30) == pytest.approx(
        tuple(-x for x in difference_interval(2, 5, 30)[::-1])
    )


def test_what_cannot_be_compared_is_refused(
    single: distilnp.Classifier,
    regression: distilnp.Classifier,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ArgumentError, match="is 'none', expected a model of labels"):
        distilnp.compare(single, regression, ["w1"], ["a"])
    with pytest.raises(ArgumentError, match="max_length is given with two classifiers"):
        distilnp.compare(single, single, ["w1"], ["a"], max_length=5)
    file = tmp_path / "a.csv"
    file.write_text("text,label\nw1,a\n")
    assert main(["compare", str(single.folder), str(regression.folder), str(file)]) == 1
    assert "is 'none', expected a model of labels" in capsys.readouterr().err


def test_two_multi_label_models_are_compared_by_exact_matches(multi: distilnp.Classifier) -> None:
    careful = replace(multi, scoring=replace(multi.scoring, threshold=0.9))
    found = distilnp.compare(multi, careful, TEXTS, iter(SETS))
    assert found.a.n_right == multi.evaluate(TEXTS, SETS).n_right
    assert found.b.n_right == careful.evaluate(TEXTS, SETS).n_right
    indicators = np.array([[label in given for label in LABELS] for given in SETS])
    assert distilnp.compare(multi, careful, TEXTS, indicators).as_dict() == found.as_dict()


# ------------------------------------------------------------------------------------ options of the command


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[str, str]:
    main(list(map(str, arguments)))
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_the_command_fits_a_temperature(
    single: distilnp.Classifier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = single(TEXTS)
    truth = [answer.label if i % 3 else "a" for i, answer in enumerate(answers)]
    file = tmp_path / "a.csv"
    file.write_text("text,label\n" + "".join(f"{t},{label}\n" for t, label in zip(TEXTS, truth, strict=True)))
    fitted = round(single.evaluate(TEXTS, truth).temperature(), 4)

    command = ("evaluate", file, "--model", single.folder, "--fit-temperature")
    out, _ = run(capsys, *command)
    assert f'"calibration_temperature": {fitted}\n' in out
    found = json.loads(run(capsys, *command, "--json")[0])
    assert found["temperature"]["value"] == fitted
    assert found["temperature"]["log_loss"][0] == pytest.approx(found["log_loss"])
    calibration = found["temperature"]["expected_calibration_error"][0]
    assert calibration == pytest.approx(found["expected_calibration_error"])

    file.write_text("text,label\n" + "".join(f"{t},{a.label}\n" for t, a in zip(TEXTS, answers, strict=True)))
    out, _ = run(capsys, *command)  # every answer is right, and the report is written nevertheless
    assert "temperature  none fits: the log loss is least at a temperature of 0.2 or beyond" in out
    assert "accuracy     60/60" in out
    assert json.loads(run(capsys, *command, "--json")[0])["temperature"]["value"] is None
    _, error = run(capsys, *command, "--long-text", "windows")
    assert "--fit-temperature is given with windows or sentences" in error


def test_the_command_has_the_table_of_coverage(
    single: distilnp.Classifier, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("text,label\n" + "".join(f"{t},{label}\n" for t, label in zip(TEXTS, TRUTH, strict=True)))
    command = ("evaluate", file, "--model", single.folder, "--min-score", "0.2", "--min-score", "1")
    (row, last) = single.evaluate(TEXTS, TRUTH).coverage([0.2, 1])
    out, _ = run(capsys, *command)
    lines = [line.split() for line in out.splitlines()]
    assert ["0.2", str(row.n_answered), f"{row.coverage:.4f}", str(row.n_right), f"{row.accuracy:.4f}"] in [
        line[:5] for line in lines
    ]
    assert ["1", "0", "0.0000", "0", "-", "-"] in lines
    assert json.loads(run(capsys, *command, "--json")[0])["coverage"] == [row.as_dict(), last.as_dict()]
    out, _ = run(capsys, *command[:4], "--min-score", "table")
    table = out[out.index("min score") :].split("\n\n")[0].splitlines()[1:]
    assert [float(line.split()[0]) for line in table] == list(USUAL_MIN_SCORES)
    with pytest.raises(SystemExit):
        main([*map(str, command[:4]), "--min-score", "1.5"])
    assert "expected a number from 0 to 1, or table" in capsys.readouterr().err


def test_options_of_another_kind_of_model_are_refused(
    multi: distilnp.Classifier,
    regression: distilnp.Classifier,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("text,label\nw1,1\n")
    wrong = tmp_path / "wrong"
    for model, options in (
        (multi, ("--min-score", "0.5")),
        (regression, ("--min-score", "0.5")),
        (regression, ("--fit-temperature",)),
        (regression, ("--errors", wrong)),
    ):
        out, error = run(capsys, "evaluate", file, "--model", model.folder, *options)
        assert out == ""
        assert f"{options[0]} is given and function_to_apply of" in error
    assert not wrong.exists()


@pytest.mark.parametrize("name", ["wrong.csv", "wrong.jsonl"])
def test_the_command_measures_and_writes_sets_of_labels(
    multi: distilnp.Classifier, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    file, wrong = tmp_path / "a.csv", tmp_path / name
    rows = "".join(f'{text},"{",".join(given)}"\n' for text, given in zip(TEXTS, SETS, strict=True))
    file.write_text("text,label\n" + rows)
    command = ("evaluate", file, "--model", multi.folder, "--errors", wrong, "--threshold", "a=0.2")
    own = distilnp.load(multi.folder, threshold={"a": 0.2})
    expected = own.evaluate(TEXTS, SETS)

    found = json.loads(run(capsys, *command, "--json")[0])

    del found["throughput"]
    assert found == expected.as_dict()
    assert found != multi.evaluate(TEXTS, SETS).as_dict()
    lines = wrong.read_text().splitlines()[name.endswith("csv") :]
    assert len(lines) == 60 - expected.n_right
    if name.endswith("jsonl"):
        row = json.loads(lines[0])
        i = int(np.flatnonzero(~expected.right)[0])
        assert (row["line"], row["true_label"], row["labels"]) == (i + 2, SETS[i], list(own(TEXTS[i]).labels))
    with pytest.raises(SystemExit):
        main([*map(str, command), "--threshold", "0.5"])
    assert "--threshold is given twice for a label" in capsys.readouterr().err


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_tables_fit_into_a_terminal_whatever_the_labels_are(columns: int) -> None:
    labels = tuple(
        f"{name} {i}"
        for i, name in enumerate(["世界の評価", "👩‍👩‍👧", "❤️", "e\u0301", "a name of many words"] * 5)
    )
    truth = np.arange(100, dtype=np.int32) % 25
    evaluation = distilnp.SingleLabelEvaluation(
        truncation=Truncation(0, 900, 0),
        model_labels=labels,
        true_ids=truth,
        predicted_ids=(truth + truth % 3).astype(np.int32) % 25,
        scores=np.full(100, 0.9),
        true_probabilities=np.full(100, 0.9),
        logits=np.zeros((100, 25), np.float32),
        in_parts=False,
    )
    options = Namespace(digits=4, min_score=[], fit_temperature=False)
    tables = report.in_words(evaluation, 1.0, options, columns).split("\n\n")

    lines = [line for table in tables[:-1] for line in table.split("\n") if line]
    assert max(map(columns_of, lines)) <= max(columns, 53)  # scikit-learn needs these
    ends = {columns_of(line) for line in tables[1].split("\n")}
    assert len(ends) == 1  # the figures of labels are aligned
    parts = [[line.split() for line in table.split("\n")] for table in tables[3:-1]]
    heads = [part[0][3:] for part in parts]  # without "true \\ predicted"
    assert (len(parts) > 1) == (columns < 200)
    assert [head for part in heads for head in part] == [str(i) for i in range(25)]
    counts = [
        int(n) for part, own in zip(parts, heads, strict=True) for row in part[1:] for n in row[-len(own) :]
    ]
    assert sum(counts) == 100
