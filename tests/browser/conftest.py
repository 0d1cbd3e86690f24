"""Chromium, for the tests of pages. `make test-browser` installs what they need, and runs them."""

from collections.abc import Iterator
from typing import Any

import pytest
from support.browser import chromium, why_no_browser


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Return the browser, or skip the test where there is none."""
    if reason := why_no_browser():
        pytest.skip(reason)
    with chromium() as browser:
        yield browser
