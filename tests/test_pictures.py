"""Pictures of evaluations: well-formed SVG, whatever the labels are, which says its figures."""

import json
import os
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint

import distilnp
from distilnp.cli import main
from distilnp.evaluation.base import Truncation
from distilnp.evaluation.coverage import curve
from distilnp.evaluation.pictures import MOST_LABELS, WIDTH
from distilnp.svg import Svg, width_of

SVG = "{http://www.w3.org/2000/svg}"
NASTY = ["<b>&\"'", "\x1b[31m\x00\ufffe", "\ud83d", "]]></svg><script>", "世界" * 40, "👩‍👩‍👧", "ordinary"]


def single(labels: list[str], n_texts: int, seed: int = 1) -> distilnp.SingleLabelEvaluation:
    random, n = np.random.RandomState(seed), len(labels)
    truth = random.randint(0, n, n_texts).astype(np.int32)
    scores = np.clip(random.beta(6, 1.5, n_texts), 1 / n, 1)
    predicted = np.where(random.uniform(size=n_texts) < scores, truth, (truth + 1) % n).astype(np.int32)
    return distilnp.SingleLabelEvaluation(
        truncation=Truncation(0, n_texts, 0),
        model_labels=tuple(labels),
        true_ids=truth,
        predicted_ids=predicted,
        scores=scores,
        true_probabilities=scores,
        logits=np.zeros((n_texts, n), np.float32),
        in_parts=False,
    )


def multi(labels: list[str], n_texts: int) -> distilnp.MultiLabelEvaluation:
    random = np.random.RandomState(2)
    scores = random.uniform(size=(n_texts, len(labels)))
    return distilnp.MultiLabelEvaluation(
        truncation=Truncation(0, n_texts, 0),
        model_labels=tuple(labels),
        truth=random.uniform(size=scores.shape) < scores,
        predicted=scores > 0.5,
        scores=scores,
        logits=scores.astype(np.float32),
        in_parts=False,
    )


def numbers(truth: list[float], predicted: list[float]) -> distilnp.RegressionEvaluation:
    arrays = {"truth": np.array(truth, float), "predicted": np.array(predicted, float)}
    return distilnp.RegressionEvaluation(truncation=Truncation(0, len(truth), 0), **arrays)


EVALUATIONS = {
    "two labels": single(["NEGATIVE", "POSITIVE"], 400),
    "labels of strangers": single(NASTY, 300),
    "twenty labels": single([f"the intent of number {i}" for i in range(20)], 900),
    "more labels than are drawn": single([f"label {i}" for i in range(MOST_LABELS + 7)], 3000),
    "one text": single(["a", "b"], 1),
    "two texts": single(["a", "b"], 2),
    "several labels a text": multi(NASTY, 200),
    "more labels a text than are drawn": multi([f"label {i}" for i in range(MOST_LABELS + 7)], 60),
    "numbers": numbers([1, 2, 3.5], [1.5, 1, 3]),
    "more numbers than are drawn": numbers(list(range(4000)), list(range(4000))),
    "one number": numbers([1e9], [1e9]),
    "tiny numbers": numbers([1e-12, 2e-12], [0, 3e-12]),
}
each = pytest.mark.parametrize("evaluation", EVALUATIONS.values(), ids=EVALUATIONS)


@each
def test_a_picture_is_well_formed_and_follows_the_theme(evaluation: distilnp.Evaluation) -> None:
    picture = evaluation.plot()
    root = ET.fromstring(picture.encode())  # UTF-8 can hold it

    assert isinstance(picture, Svg)
    assert picture._repr_svg_() == picture
    assert root.tag == f"{SVG}svg"
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        *("svg", "title", "style", "g", "rect", "path", "circle", "text")
    }
    (style,) = root.iter(f"{SVG}style")
    assert "prefers-color-scheme:dark" in style.text
    # Nothing reaches the page around it: every rule begins with the class of the picture.
    rules = style.text.replace("@media (prefers-color-scheme:dark){", "").split("}")
    assert all(rule.strip().startswith(".distilnp-plot") for rule in rules if rule.strip())
    colours = {
        value for element in root.iter() for name, value in element.items() if name in ("fill", "stroke")
    }
    assert colours == set()  # those that are set on an element would stay the same in the dark


@each
def test_a_screen_reader_has_a_name_for_the_picture_and_for_each_part(
    evaluation: distilnp.Evaluation,
) -> None:
    root = ET.fromstring(evaluation.plot())
    parts = [element for element in root.iter(f"{SVG}g") if element.get("role") == "img"]

    assert root.get("role") == "group"
    assert f"{evaluation.n_texts:,} texts" in root.get("aria-label")
    assert len(parts) == {"Single": 3, "MultiL": 2, "Regres": 1}[type(evaluation).__name__[:6]]
    assert all(len(part.get("aria-label")) > 20 for part in parts)


@each
def test_nothing_is_outside_of_the_picture(evaluation: distilnp.Evaluation) -> None:
    root = ET.fromstring(evaluation.plot())
    _, _, width, height = map(float, root.get("viewBox").split())
    assert width == WIDTH
    for element in root.iter():
        name = element.tag.removeprefix(SVG)
        if name == "rect" and element.get("x"):
            x, y, w, h = (float(element.get(key)) for key in ("x", "y", "width", "height"))
            assert 0 <= x <= x + w <= width
            assert 0 <= y <= y + h <= height
        elif name == "text":
            x, y = float(element.get("x")), float(element.get("y"))
            size = 10.5 if element.get("class") == "soft" else 12
            length = width_of(element.text or "", size)
            if not element.get("transform"):
                left = x - length * {"middle": 0.5, "end": 1}.get(element.get("text-anchor"), 0)
                assert left >= -1
                assert left + length <= width + 1
            assert 10 <= y <= height


def test_labels_are_written_as_they_can_be() -> None:
    picture = EVALUATIONS["labels of strangers"].plot()
    words = [element.text for element in ET.fromstring(picture).iter() if element.text]
    assert "<b>&\"'" in words
    assert "]]></svg><script>" in words
    assert any(word.startswith("世界世界") and word.endswith("…") for word in words)
    assert "世界" * 40 in words  # the whole name is for a pointer
    assert not any(character in picture for character in "\x1b\x00\ufffe\ud83d")


def test_the_confusion_matrix_has_its_counts() -> None:
    evaluation = EVALUATIONS["twenty labels"]
    words = [element.text for element in ET.fromstring(evaluation.plot()).iter(f"{SVG}text")]
    counts = [str(count) for count in evaluation.confusion_matrix.ravel().tolist() if count]
    assert [word for word in words if word in set(counts)][-len(counts) :] == counts


def test_the_line_of_coverage_goes_through_the_table() -> None:
    evaluation = EVALUATIONS["two labels"]
    shares, accuracies = curve(evaluation.scores, evaluation.right)
    at = dict(zip(shares.tolist(), accuracies.tolist(), strict=True))
    for row in evaluation.coverage((0, 0.5, 0.8, 0.9, 0.95)):
        assert at[row.coverage] == row.accuracy
    shares, accuracies = curve(np.array([0.5, 0.9, 0.5, 0.5]), np.array([True, False, True, False]))
    assert shares.tolist() == [0.25, 1]  # equal scores are answered together
    assert accuracies.tolist() == [0, 0.5]


def test_the_command_writes_the_same_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = CONFIGS["odd-sizes"]
    model = os.fspath(write_checkpoint(tmp_path / "model", config, seeded_tensors(config)))
    texts = [f"w{i} w{i + 1}" for i in range(40)]
    file, out = tmp_path / "a.csv", tmp_path / "out.svg"
    file.write_text("text,label\n" + "".join(f"{text},{i % 7}\n" for i, text in enumerate(texts)))

    assert main(["evaluate", str(file), "--model", model, "--plot", str(out), "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["accuracy"]["n_texts"] == 40
    assert out.read_text() == distilnp.evaluate(texts, [i % 7 for i in range(40)], model).plot()


def test_a_picture_that_cannot_be_written_is_an_error_before_anything_is_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = CONFIGS["one-layer"]
    model = os.fspath(write_checkpoint(tmp_path / "model", config, seeded_tensors(config)))
    file, kept = tmp_path / "a.csv", tmp_path / "kept.svg"
    file.write_text("text,label\nw1,no label\n")
    kept.write_text("as before")
    for path, message in (
        (tmp_path / "none" / "a.svg", "a.svg cannot be written: No such file or directory"),
        (tmp_path, "cannot be written: Is a directory"),
        (file, "--plot is"),
        (kept, "line 2: the label is 'no label'"),
        (tmp_path / "new.svg", "line 2: the label is 'no label'"),
    ):
        assert main(["evaluate", str(file), "--model", model, "--plot", str(path)]) == 1
        assert message in capsys.readouterr().err
    assert kept.read_text() == "as before"
    assert not (tmp_path / "new.svg").exists()


def test_the_picture_of_the_page_is_the_one_of_the_command(data: Path) -> None:
    page = Path(__file__).parents[1] / "docs" / "evaluate.svg"
    rows = [line.split("\t") for line in (data / "sst2" / "dev.tsv").read_text().splitlines()[1:]]
    texts, labels = zip(*rows, strict=True)
    assert page.read_text(encoding="utf-8") == distilnp.evaluate(texts, labels, "sst2-mini").plot()
