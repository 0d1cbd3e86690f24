"""The code that the documentation shows for Spark runs. tests/test_documentation.py does the rest."""

import doctest
import importlib
import pkgutil
from pathlib import Path
from typing import Any

import pytest
from support.pages import failures

import distilnp.spark

PAGE = Path(__file__).parents[2] / "docs" / "spark.md"

MODULES = [module.name for module in pkgutil.iter_modules(distilnp.spark.__path__, "distilnp.spark.")]


def test_the_page_does_what_it_shows(spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert failures(PAGE) == 0


def test_the_examples_in_docstrings_do_what_they_show() -> None:
    results = [doctest.testmod(importlib.import_module(module)) for module in MODULES]
    assert sum(result.failed for result in results) == 0
    assert sum(result.attempted for result in results) >= 8
