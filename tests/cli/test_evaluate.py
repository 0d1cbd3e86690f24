"""`distilnp evaluate`: its figures equal scikit-learn's, and its errors name the line of the file."""

import csv
import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix, log_loss
from support.children import MEMORY_OF_THIS_PROCESS, environment, run_python
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint

import distilnp
from distilnp import ArgumentError
from distilnp.calibration import expected_calibration_error
from distilnp.choices import USUAL_MIN_SCORES
from distilnp.cli import main
from distilnp.evaluation.single_label import SingleLabelTally
from distilnp.evaluation.truth import LabelIds
from distilnp.predictions import Prediction

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]
Start = Callable[..., "subprocess.Popen[bytes]"]

PATIENCE_SECONDS = 60
LABELS = "abcdefg"

# Label "g" is never true, "d" is never predicted, and "e" is neither.
TEXTS = [" ".join(f"w{(i * k) % 150}" for k in range(1, 3 + i % 9)) for i in range(60)]
TRUTH = [LABELS[i * i % 6] for i in range(60)]


@pytest.fixture(autouse=True)
def _kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTILNP_KERNELS", "numpy")  # as in the processes


@pytest.fixture(scope="module")
def seven(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a model with the seven labels a to g."""
    config = CONFIGS["odd-sizes"]
    return os.fspath(write_checkpoint(tmp_path_factory.mktemp("seven"), config, seeded_tensors(config)))


def write_csv(path: Path, rows: list[tuple[object, ...]]) -> str:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return os.fspath(path)


def figures(capsys: pytest.CaptureFixture[str], file: str, model: str, *options: str) -> dict[str, Any]:
    assert main(["evaluate", file, "--model", model, "--json", *options]) == 0
    output, errors = capsys.readouterr()
    assert errors == ""
    return json.loads(output)


def error_of(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["evaluate", *options]) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("distilnp: error: ")
    return errors.removeprefix("distilnp: error: ")


def wait_for_a_line(file: Path, process: "subprocess.Popen[bytes]") -> None:
    """Wait until a process has written a line; if none comes, end the process and fail."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (file.exists() and b"\n" in file.read_bytes()):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail("no line was written")
        time.sleep(0.01)


# ---------------------------------------------------------------------------------------------------- figures


@pytest.mark.parametrize("max_length", [512, 4])
def test_the_figures_equal_those_of_scikit_learn(
    seven: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], max_length: int
) -> None:
    file = write_csv(tmp_path / "texts.csv", [("text", "label"), *zip(TEXTS, TRUTH, strict=True)])
    answers = distilnp.load(seven, max_length=max_length).classify(TEXTS)
    predicted = [answer.label for answer in answers]
    present = sorted({*TRUTH, *predicted})
    probabilities = np.array([list(answer.scores.values()) for answer in answers])
    confidences, right = probabilities.max(axis=1), np.array(predicted) == np.array(TRUTH)
    n_right = int(right.sum())
    interval = binomtest(n_right, 60).proportion_ci(method="wilson")

    found = figures(capsys, file, seven, "--max-length", str(max_length), "--batch-tokens", "50")

    seconds = found["throughput"]["seconds"]
    n_tokens, n_seen = (sum(getattr(answer, name) for answer in answers) for name in ("n_tokens", "n_seen"))
    assert 1 < n_right < 59
    assert found == {
        "labels": present,
        "absent_labels": [label for label in LABELS if label not in present],
        "classification_report": classification_report(TRUTH, predicted, output_dict=True, zero_division=0),
        "confusion_matrix": confusion_matrix(TRUTH, predicted).tolist(),
        "accuracy": {
            "n_right": n_right,
            "n_texts": 60,
            "value": accuracy_score(TRUTH, predicted),
            "wilson_95": [interval.low, interval.high],
        },
        "log_loss": pytest.approx(log_loss(TRUTH, probabilities, labels=list(LABELS)), rel=1e-12),
        "expected_calibration_error": expected_calibration_error(confidences, right),
        "coverage": [
            {
                "min_score": least,
                "n_answered": int((answered := confidences >= least).sum()),
                "coverage": answered.mean(),
                "n_right": int(right[answered].sum()),
                "accuracy": accuracy_score(right[answered], answered[answered]) if answered.any() else None,
                "wilson_95": [
                    *binomtest(int(right[answered].sum()), int(answered.sum())).proportion_ci(method="wilson")
                ]
                if answered.any()
                else None,
            }
            for least in USUAL_MIN_SCORES
        ],
        "truncation": {
            "n_texts": sum(answer.truncated for answer in answers),
            "n_tokens": n_tokens,
            "n_tokens_not_seen": n_tokens - n_seen,
        },
        "throughput": {
            "seconds": seconds,
            "texts_per_second": 60 / seconds,
            "tokens_per_second": n_seen / seconds,
        },
    }
    assert (found["truncation"]["n_texts"] > 0) == (max_length == 4)


def test_the_report_for_people_has_the_same_figures(
    seven: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_csv(tmp_path / "texts.csv", [("text", "label"), *zip(TEXTS, TRUTH, strict=True)])
    options = (file, "--model", seven, "--max-length", "4")
    predicted = [answer.label for answer in distilnp.load(seven, max_length=4).classify(TEXTS)]
    found = figures(capsys, file, seven, *options[3:])
    accuracy, cut = found["accuracy"], found["truncation"]
    not_seen = cut["n_tokens_not_seen"]

    for digits in (2, 4):
        assert main(["evaluate", *options, "--digits", str(digits)]) == 0
        output, errors = capsys.readouterr()
        report = classification_report(TRUTH, predicted, digits=digits, zero_division=0)
        assert errors == ""
        assert output.startswith(report)
        table, last = output.removeprefix(report).split("\n\n")
        heads, *rows = (line.split() for line in table.strip("\n").splitlines())
        assert heads == ["true", "\\", "predicted", *found["labels"]]
        assert [[label, *map(int, counts)] for label, *counts in rows] == [
            [label, *counts] for label, counts in zip(found["labels"], found["confusion_matrix"], strict=True)
        ]
        low, high = accuracy["wilson_95"]
        assert last.splitlines()[:-2] == [
            f"accuracy     {accuracy['n_right']}/60 = {accuracy['value']:.{digits}f}, "
            f"95 % interval {low:.{digits}f} to {high:.{digits}f}",
            f"log loss     {found['log_loss']:.{digits}f}",
            f"calibration  {found['expected_calibration_error']:.{digits}f} expected calibration error",
            f"cut          {cut['n_texts']} of 60 texts; {not_seen} of {cut['n_tokens']} tokens "
            f"({not_seen / cut['n_tokens']:.2%}) not seen",
        ]
        assert re.fullmatch(r"speed        [\d,.]+ texts/s, [\d,]+ tokens/s", last.splitlines()[-2])
        assert last.splitlines()[-1] == "left out     " + ", ".join(found["absent_labels"])


def test_a_matrix_of_long_labels_has_their_ids_as_heads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, names = CONFIGS["odd-sizes"], [f"a label of many words {letter}\n" for letter in LABELS]
    labels = {"id2label": {str(i): name for i, name in enumerate(names)}}
    model = os.fspath(write_checkpoint(tmp_path / "model", config, seeded_tensors(config), **labels))
    file = write_csv(tmp_path / "texts.csv", [("text", "label"), *((text, 3) for text in TEXTS)])
    found = figures(capsys, file, model)
    ids = [names.index(label) for label in found["labels"]]
    assert len(ids) > 2

    assert main(["evaluate", file, "--model", model]) == 0
    output = capsys.readouterr().out
    table = output.split("\n\n")[3].splitlines()
    assert table[0].split() == ["true", "\\", "predicted", *map(str, ids)]
    assert table[1 + ids.index(3)].startswith("a label of many words d␊ 3  ")
    assert max(map(len, table)) < 80
    assert "\na label of many words a␊  " in output  # a line end in a label is made visible


@pytest.mark.parametrize("label", ["d", "f"])
def test_one_label_makes_a_report(
    seven: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], label: str
) -> None:
    """In these cases scikit-learn would warn, or average differently: one label only, or no right answer."""
    text = next(text for text in TEXTS if distilnp.classify(text, seven).label == "f")
    file = write_csv(tmp_path / "texts.csv", [("text", "label"), (text, label)])
    found = figures(capsys, file, seven)
    assert found["labels"] == sorted({"f", label})
    assert found["classification_report"]["accuracy"] == (label == "f")
    assert main(["evaluate", file, "--model", seven]) == 0
    # If no answer is right, scikit-learn writes the support as 1.0.
    assert re.search(r"\n    accuracy .* [01]\.0000 +1(\.0)?\n", capsys.readouterr().out)


def test_scores_are_normalised_for_the_loss_and_at_most_1_for_calibration() -> None:
    """The highest scores of windows may add up to more than 1, and a mean of ones may round above 1."""
    common = {"labels": ("a",), "logits": np.zeros(2, np.float32), "n_tokens": 9, "n_seen": 9}
    tally = SingleLabelTally(("a", "b"))
    tally.add(1, Prediction(label="a", score=0.9, scores={"a": 0.9, "b": 0.6}, **common))
    above = 1 + 2**-52
    tally.add(0, Prediction(label="a", score=above, scores={"a": above, "b": 0.0}, **common))
    evaluation = tally.evaluation()
    assert evaluation.log_loss == pytest.approx(-np.log(0.4) / 2)
    assert evaluation.calibration_error == pytest.approx(0.45)


def test_the_same_texts_give_the_same_report_except_for_the_speed(
    run: Run, seven: str, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "texts.csv", [("text", "label"), *zip(TEXTS, TRUTH, strict=True)])
    reports = [run("evaluate", file, "--model", seven).stdout for _ in range(2)]
    first, second = (re.sub(rb"speed .*", b"", report) for report in reports)
    assert first == second != b""


def test_sst2_dev_has_the_accuracy_of_the_card(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISTILNP_KERNELS")
    found = figures(capsys, os.fspath(data / "sst2" / "dev.tsv"), "sst2-mini")
    assert found["accuracy"]["n_right"] == 794
    assert found["accuracy"]["n_texts"] == 872
    assert found["confusion_matrix"] == [[385, 43], [35, 409]]
    assert f"{found['log_loss']:.3f}" == "0.231"


# ------------------------------------------------------------------------------------------ files and labels


ROWS = [("w1 w2", "NEGATIVE"), ("w3, w4", "POSITIVE"), ("", "positive"), ("w5", "1"), ("w6", "0")]
AS_CSV = "id,text,label\n" + "".join(f'7,"{text}",{label}\n' for text, label in ROWS)
AS_TSV = "sentence\tlabels\n" + "".join(f"{text}\t{label}\n" for text, label in ROWS)
AS_JSONL = "".join(
    json.dumps({"id": 7, "label": int(label) if label in "01" else label, "review": text}) + "\n"
    for text, label in ROWS
)


@pytest.mark.parametrize(
    ("name", "content", "options"),
    [
        ("a.csv", AS_CSV, []),
        ("a.tsv", AS_TSV, []),
        ("a.jsonl", AS_JSONL, ["--column", "review"]),
        ("a.txt", AS_TSV, ["--input-format", "tsv", "--label-column", "labels"]),
    ],
)
@pytest.mark.parametrize("source", ["file", "gzip", "stdin", "gzip on stdin"])
def test_every_format_is_read_gzipped_or_not(
    run: Run, model: str, tmp_path: Path, name: str, content: str, options: list[str], source: str
) -> None:
    expected = [answer.label for answer in distilnp.load(model).classify([text for text, _ in ROWS])]
    truth = ["NEGATIVE", "POSITIVE", "POSITIVE", "POSITIVE", "NEGATIVE"]
    given = gzip.compress(content.encode()) if "gzip" in source else content.encode()
    file = tmp_path / (name + ".gz" * ("gzip" in source))
    if "--input-format" not in options:
        options = [*options, "--input-format", name[2:]] if "stdin" in source else options
    if "stdin" not in source:
        file.write_bytes(given)
    done = run(
        "evaluate",
        "-" if "stdin" in source else os.fspath(file),
        "--model",
        model,
        "--json",
        *options,
        given=given,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    found = json.loads(done.stdout)
    assert found["confusion_matrix"] == confusion_matrix(truth, expected, labels=found["labels"]).tolist()
    assert found["accuracy"]["n_texts"] == 5


@pytest.mark.parametrize(
    ("labels", "value", "expected"),
    [
        (("neg", "pos"), "pos", 1),
        (("neg", "pos"), "1", 1),
        (("neg", "pos"), 1, 1),
        (("neg", "pos"), "POS", 1),
        (("neg", "pos"), "Straße", None),
        (("neg", "STRASSE"), "Straße", 1),
        (("neg", "pos"), "positive", None),
        (("neg", "pos"), "2", None),
        (("neg", "pos"), "01", None),
        (("neg", "pos"), -1, None),
        (("neg", "pos"), " pos", None),
        (("neg", "pos"), "", None),
        (("Pos", "pos"), "pos", 1),
        (("Pos", "pos"), "POS", None),  # it could mean either
        (("0", "1"), 1, 1),
        (("1", "2", "3"), 1, 0),
        (("1", "2", "3"), "3", 2),
        (("1", "2", "3"), 0, None),  # the labels are numbers, so numbers are names
    ],
)
def test_a_label_is_a_name_or_an_id(labels: tuple[str, ...], value: str | int, expected: int | None) -> None:
    assert LabelIds(labels).find(value) == expected


def test_a_label_map_translates_other_names() -> None:
    ids = LabelIds(("neg", "pos"), {"positive": "pos", "negative": "0", "0": "POS", "": "neg"})
    assert [ids.find(value) for value in ("positive", "negative", "0", 0, "", "pos")] == [1, 0, 1, 1, 0, 1]
    assert ids.find("Positive") is None
    with pytest.raises(
        ArgumentError, match="the label map translates 'a' to 'b', expected a label of the model: 'neg' "
    ):
        LabelIds(("neg", "pos"), {"a": "b"})


def test_the_error_about_an_unknown_label_suggests_a_label_map(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_csv(
        tmp_path / "a.csv", [("review", "sentiment"), ("w1", "good"), ("w2", "a=b"), ("w3", "1")]
    )
    options = ("--label-column", "sentiment", "--label-map", "good=1")
    message = error_of(capsys, file, "--model", model, *options)
    assert message.startswith(
        f"{file}, line 3: the label is 'a=b', expected one of the model's: 'NEGATIVE' (id 0)"
    )
    assert "--label-map VALUE=LABEL" in message


def test_pairs_are_measured_as_pairs(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(f"w{i} w{i + 1}", f"w{2 * i}", "NEGATIVE") for i in range(20)]
    file = write_csv(tmp_path / "a.csv", [("premise", "hypothesis", "label"), *rows])
    pairs = [{"text": text, "text_pair": pair} for text, pair, _ in rows]
    answers = distilnp.load(model).classify(pairs)
    errors = tmp_path / "wrong.csv"

    found = figures(capsys, file, model, "--pair-column", "hypothesis", "--errors", os.fspath(errors))

    wrong = [(i, answer) for i, answer in enumerate(answers) if answer.label != "NEGATIVE"]
    assert 0 < len(wrong) < 20
    assert found["accuracy"]["n_right"] == 20 - len(wrong)
    assert found["truncation"]["n_tokens"] == sum(answer.n_tokens for answer in answers)
    written = list(csv.DictReader(io.StringIO(errors.read_text(), newline="")))
    assert [(row["line"], row["text"], row["text_pair"]) for row in written] == [
        (str(i + 2), rows[i][0], rows[i][1]) for i, _ in wrong
    ]


# --------------------------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize("name", ["wrong.csv", "wrong.jsonl", "wrong"])
def test_mistakes_are_written_with_their_lines(
    seven: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    texts = ['w1 "w2"', "", "w3\nw4", "\ud83d é", *TEXTS[:9]]
    file = tmp_path / "texts.jsonl"
    file.write_text("".join(json.dumps({"text": text, "label": 5}) + "\n" for text in texts))
    errors = tmp_path / name
    errors.write_text("what was here before\n" * 1000)
    answers = distilnp.load(seven).classify(texts)

    figures(capsys, os.fspath(file), seven, "--errors", os.fspath(errors))

    content = errors.read_bytes().decode()
    rows = (
        list(csv.DictReader(io.StringIO(content, newline="")))
        if name.endswith(".csv")
        else list(map(json.loads, content.splitlines()))
    )
    wrong = [i for i, answer in enumerate(answers) if answer.label != "f"]
    assert 4 in wrong
    assert len(wrong) < len(texts)
    assert list(rows[0]) == [
        "line",
        "text",
        "true_label",
        "label",
        "score",
        "n_tokens",
        "n_seen",
        "truncated",
    ]
    for i, row in zip(wrong, rows, strict=True):
        text = texts[i].replace("\ud83d", "\\ud83d") if name.endswith(".csv") else texts[i]
        assert (int(row["line"]), row["text"], row["true_label"]) == (i + 1, text, "f")
        assert (row["label"], float(row["score"])) == (answers[i].label, answers[i].score)


def test_a_mistake_is_written_before_the_next_text_arrives(start: Start, seven: str, tmp_path: Path) -> None:
    errors = tmp_path / "wrong.jsonl"
    wrong = next(text for text in TEXTS if distilnp.classify(text, seven).label != "a")
    options = ("--model", seven, "--input-format", "jsonl", "--errors", os.fspath(errors))
    with start("evaluate", "-", *options, "--batch-tokens", "1") as process:
        process.stdin.write(json.dumps({"text": wrong, "label": "a"}).encode() + b"\n")
        process.stdin.flush()
        wait_for_a_line(errors, process)
        process.stdin.write(b'{"text": "w1", "label": "z"}\n')
        _, message = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 1
    assert message.startswith(b"distilnp: error: standard input, line 2: the label is 'z', expected one of")
    assert json.loads(errors.read_text())["text"] == wrong


def test_nothing_is_computed_if_mistakes_cannot_be_written(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_csv(tmp_path / "a.csv", [("text", "label"), ("w1", "no label")])
    for errors, message in (
        (tmp_path / "none" / "wrong.csv", "wrong.csv cannot be written: No such file or directory"),
        (tmp_path, "cannot be written: Is a directory"),
        (
            tmp_path / "." / "a.csv",
            "a.csv, which is the file of texts, expected another file. It would be overwritten",
        ),
    ):
        assert message in error_of(capsys, file, "--model", model, "--errors", os.fspath(errors))
    assert Path(file).read_text() != ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_the_error_about_a_full_disk_names_the_file(
    seven: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_csv(tmp_path / "a.csv", [("text", "label"), *((text, "g") for text in TEXTS)])
    message = error_of(capsys, file, "--model", seven, "--errors", "/dev/full")
    assert message == "/dev/full cannot be written: No space left on device\n"


# ----------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "FILE is empty, expected a header line that names the columns"),
        ("text,label\n", "FILE has no texts, expected at least one with its label"),
        ("text,stars\nw1,1\n", "FILE, line 1: the columns are 'text', 'stars'; expected --label-column NAME"),
        (
            "text,label\nw1,0\nw2,2\n",
            "FILE, line 3: the label is '2', expected one of the model's: 'NEGATIVE' (id 0), 'POSITIVE' (id "
            "1). Translate other names with --label-map VALUE=LABEL",
        ),
        ("text,label\nw1,0,1\n", "FILE, line 2: the number of fields is 3, expected 2"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error_without_a_report(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, message: str
) -> None:
    file = tmp_path / "a.csv"
    file.write_text(content)
    for more in ([], ["--json"]):
        error = error_of(capsys, os.fspath(file), "--model", model, *more)
        assert error.startswith(message.replace("FILE", os.fspath(file)))


def test_a_model_of_several_numbers_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = CONFIGS["one-layer"]
    tensors = seeded_tensors(config)
    model = os.fspath(write_checkpoint(tmp_path / "model", config, tensors, problem_type="regression"))
    file = write_csv(tmp_path / "a.csv", [("text", "label"), ("w1", "0")])
    message = error_of(capsys, file, "--model", model)
    assert message.startswith("function_to_apply is 'none' and the model has 2 labels, expected one")


WITHOUT_SCIKIT_LEARN = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "sklearn":
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Missing())
from distilnp.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_without_scikit_learn_no_file_is_opened(model: str, tmp_path: Path) -> None:
    done = run_python(WITHOUT_SCIKIT_LEARN, "evaluate", tmp_path / "none.csv", "--model", model)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "distilnp: error: evaluate needs scikit-learn, which is missing (No module named 'sklearn'): pip "
        'install "distilnp[evaluate]"\n'
    )
    done = run_python(WITHOUT_SCIKIT_LEARN, "classify", "w1", "--model", model)
    assert (done.returncode, done.stderr) == (0, "")


# ----------------------------------------------------------------------------------- processes and their ends


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a file that takes far longer to evaluate than any test runs."""
    path = tmp_path_factory.mktemp("texts") / "many.csv"
    path.write_text("text,label\n" + "w1 w2 w3 w4 w5 w6,0\nw3,1\n" * 1_000_000)
    return os.fspath(path)


def test_ctrl_c_ends_the_process_without_a_report(
    start: Start, model: str, many: str, tmp_path: Path
) -> None:
    errors = tmp_path / "wrong.jsonl"
    with start("evaluate", many, "--model", model, "--errors", os.fspath(errors)) as process:
        wait_for_a_line(errors, process)
        process.send_signal(signal.SIGINT)
        output, message = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == -signal.SIGINT
    assert (output, message) == (b"", b"")
    assert errors.read_bytes().endswith(b"\n")


def test_a_reader_that_closes_the_output_ends_the_process_silently(
    start: Start, model: str, tmp_path: Path
) -> None:
    file = write_csv(tmp_path / "a.csv", [("text", "label"), ("w1", "0")])
    read_end, write_end = os.pipe()
    os.close(read_end)
    with start("evaluate", file, "--model", model, stdout=write_end) as process:
        os.close(write_end)
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGPIPE
        assert process.stderr.read() == b""


def test_labels_that_the_locale_cannot_write_are_escaped(
    run: Run, tmp_path: Path, environment: dict[str, str]
) -> None:
    config = CONFIGS["one-layer"]
    changes = {"id2label": {"0": "世界", "1": "b"}}
    model = os.fspath(write_checkpoint(tmp_path / "model", config, seeded_tensors(config), **changes))
    file = write_csv(tmp_path / "a.csv", [("text", "label"), ("w1", "世界")])
    ascii_only = environment | {"PYTHONIOENCODING": "ascii"}
    done = run("evaluate", file, "--model", model, env=ascii_only)
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"\u4e16\u754c" in done.stdout
    done = run("evaluate", file, "--model", model, "--json", env=ascii_only)
    assert "世界" in json.loads(done.stdout)["labels"]


EVALUATE_MANY = (
    MEMORY_OF_THIS_PROCESS
    + """
import sys
from distilnp.cli import main

few, many, model = sys.argv[1:]

def evaluate(file):
    assert main(["evaluate", file, "--model", model, "--max-length", "4", "--json"]) == 0

evaluate(few)
before = memory("VmHWM")
evaluate(many)
print(before, memory("VmHWM"), file=sys.stderr)
"""
)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how much memory is resident")
def test_many_texts_take_little_more_memory_than_a_few(model: str, tmp_path: Path) -> None:
    """Evaluation keeps 24 bytes of each text, which has a thousand."""
    files = []
    for n_texts in (2_000, 32_000):
        files.append(tmp_path / f"{n_texts}.csv.gz")
        with gzip.open(files[-1], "wt") as file:
            file.write("text,label\n")
            file.writelines(f"w{i % 90} {'x' * 1000},{i % 2}\n" for i in range(n_texts))
    done = run_python(EVALUATE_MANY, *files, model, env=environment(DISTILNP_KERNELS=None))
    assert done.returncode == 0, done.stderr
    assert '"n_texts": 32000' in done.stdout
    before, after = map(int, done.stderr.split())
    assert after - before < 6_000_000  # for 32,000 ids in scikit-learn; the texts have 32 million
