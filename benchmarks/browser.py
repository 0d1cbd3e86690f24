"""Time the page of `docs/browser` in Chromium: until its first answer, and for texts of several lengths.

    make test-browser      # installs Chromium's driver, Pyodide and NumPy
    PYTHONPATH=tests .venv/bin/python -m benchmarks.browser

The files come from this machine, so the first figure is without a network. The times of texts are those that
the page shows: the tokenizer, the reference pass by NumPy, and the scores.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from support.browser import NODE_MODULES, Opened, chromium, opened, served, why_no_browser

from .machine import cpu

BUILD = Path(__file__).parents[1] / "docs" / "browser" / "build.py"

# Tokens of a text, with [CLS] and [SEP]. The page's field holds 400 words of four letters.
LENGTHS = (8, 32, 128, 402)


def wait_for_answer(opening: Opened) -> float:
    """Wait until the page has a label for its text, and return the milliseconds that it shows."""
    opening.page.wait_for_selector("#answer[aria-busy=false]", timeout=600_000)
    return float(opening.page.inner_text("#note").split()[-2])


def main() -> int:
    """Measure, then print; return 1 if there is no browser."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="pages, and texts of each length (default: 5)")
    rounds = parser.parse_args().rounds
    if reason := why_no_browser():
        print(reason, file=sys.stderr)
        return 1
    starts: list[float] = []
    times: dict[int, list[float]] = {n: [] for n in LENGTHS}
    with TemporaryDirectory() as folder, chromium() as browser:
        page = Path(folder, "page")
        subprocess.run([sys.executable, BUILD, page, "--pyodide", NODE_MODULES / "pyodide"], check=True)
        with served(page) as address:
            for _ in range(rounds):
                started = time.perf_counter()
                with opened(browser, address) as opening:
                    wait_for_answer(opening)
                    starts.append(time.perf_counter() - started)
                    for n, samples in times.items():
                        opening.page.fill("#text", "film " * (n - 2))
                        samples.append(wait_for_answer(opening))
        version = browser.version
    print(f"{cpu()}; Chromium {version}; medians of {rounds}, the shortest in parentheses\n")
    print(f"until the first answer: {statistics.median(starts):.1f} ({min(starts):.1f}) s\n")
    print("| tokens | ms |\n| --- | --- |")
    for n, samples in times.items():
        print(f"| {n} | {statistics.median(samples):.0f} ({min(samples):.0f}) |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
