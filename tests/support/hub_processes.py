"""Processes that load a model from a hub, and what they may end with."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

from support.seeded_models import CONFIGS

CONFIG = dataclasses.replace(CONFIGS["one-layer"], id2label=("NEGATIVE", "POSITIVE"))

# The process ends like the command: with an answer, or with one error of ours and nothing else.
CLASSIFY = """
import json, sys
import distilnp
model, options = sys.argv[1], json.loads(sys.argv[2])
try:
    classifier = distilnp.load(model, **options)
    print(classifier("w5 w6").label, classifier.folder)
except distilnp.DistilnpError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""

Run = Callable[..., "CompletedProcess[str]"]


def assert_answers(run: "CompletedProcess[str]") -> Path:
    assert (run.returncode, run.stderr) == (0, "")
    label, folder = run.stdout.split()
    assert label in CONFIG.id2label
    return Path(folder)


def assert_fails(run: "CompletedProcess[str]", *words: str) -> None:
    """Check that there is one error of ours, on one line, with all of these words."""
    assert run.returncode == 1
    assert run.stderr.startswith("DownloadError: ") and run.stderr.count("\n") == 1, run.stderr
    assert [text for text in words if text not in run.stderr] == [], run.stderr
