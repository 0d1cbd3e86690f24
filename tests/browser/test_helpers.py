"""The helpers of the tests in a browser notice what they are there for."""

from pathlib import Path
from typing import Any

from support.browser import opened, served

PAGE = """<!doctype html>
<html lang="en"><title>A page</title><link rel="icon" href="data:,"><main><h1>A page</h1>{}</main></html>
"""


def test_a_page_without_faults_has_none(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(PAGE.format(""), encoding="utf-8")

    with served(tmp_path) as address, opened(browser, address) as opening:
        assert opening.violations() == []
        assert opening.complaints == []
        assert opening.requests == [address]


def test_errors_requests_and_faults_of_a_page_are_noticed(browser: Any, tmp_path: Path) -> None:
    faults = """
        <input>
        <script>
          new Worker("worker.js").onmessage = () => document.title = "Answered";
          console.warn("careful");
          throw Error("broken");
        </script>
    """
    (tmp_path / "index.html").write_text(PAGE.format(faults), encoding="utf-8")
    (tmp_path / "worker.js").write_text("fetch('data.json').then(() => postMessage(1))", encoding="utf-8")
    (tmp_path / "data.json").write_text("{}", encoding="utf-8")

    with served(tmp_path) as address, opened(browser, address) as opening:
        opening.page.wait_for_function("document.title == 'Answered'")

        assert opening.complaints == ["warning: careful", "exception: broken"]
        assert {url.removeprefix(address) for url in opening.requests} == {"", "worker.js", "data.json"}
        assert [line.split(":")[0] for line in opening.violations()] == ["label"]
