"""A page in a real browser: a server of files, Chromium, what a page complains of and asks for, axe's rules.

`make test-browser` installs what this module needs: Playwright into .venv, and the packages of
`tests/browser/package.json` into .venv-browser. The browser is the one that the machine has.
"""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

NODE_MODULES = Path(__file__).parents[2] / ".venv-browser" / "node_modules"
AXE = NODE_MODULES / "axe-core" / "axe.min.js"

# The names of Chromium on Debian, on Fedora and on GitHub's runners.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def why_no_browser() -> str | None:
    """Return what is missing for a test in a browser, or None if it can run."""
    if find_spec("playwright") is None:
        return "Playwright is not installed; `make test-browser` installs it"
    if not any(map(shutil.which, BROWSERS)):
        return f"none of {', '.join(BROWSERS)} is installed"
    if not AXE.exists():
        return f"{AXE} is missing; `make test-browser` installs it"
    return None


@dataclass
class Opened:
    """A page in a browser.

    Attributes
    ----------
    page : Page
        Playwright's page.
    complaints : list of str
        The errors and warnings of its console, and the exceptions that nothing caught, up to now.
    requests : list of str
        The addresses that the page and its workers asked for, up to now, without those of `data:` and
        `blob:`, which name no server.
    """

    page: "Page"
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def violations(self) -> list[str]:
        """Return what axe finds wrong with the page as it is now: a rule and its elements in a line."""
        # `evaluate` is the debugger's, so that a page with a strict Content-Security-Policy is checked, too.
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run().then(result => result.violations)")
        return [f"{rule['id']}: {[node['target'] for node in rule['nodes']]}" for rule in found]


@contextmanager
def chromium() -> Iterator["Browser"]:
    """Start the browser, without a window.

    While it runs, this thread has an event loop of Playwright's, so that `asyncio.run` would fail here. A
    fixture should have the scope of a module or a package.
    """
    from playwright.sync_api import sync_playwright

    path = next(path for path in map(shutil.which, BROWSERS) if path)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: "Browser",
    address: str,
    prepare: "Callable[[BrowserContext], object] | None" = None,
    **options: Any,
) -> Iterator[Opened]:
    """Open an address in a fresh profile.

    Parameters
    ----------
    browser : Browser
        The browser, of `chromium`.
    address : str
        The page's address: of a server (`served`), or of a file (`Path.as_uri`).
    prepare : callable, optional
        Called with the profile before the page is opened, for `route` or `add_init_script`.
    **options
        How the user sees it, for Playwright's `new_context`: `color_scheme="dark"`, `viewport={"width": 360,
        "height": 740}`, `reduced_motion="reduce"`, `offline=True`.
    """
    context = browser.new_context(**options)
    try:
        result = Opened(context.new_page())
        result.page.on("console", partial(_note_message, result.complaints))
        result.page.on("pageerror", lambda error: result.complaints.append(f"exception: {error}"))
        context.on("request", partial(_note_request, result.requests))
        if prepare:
            prepare(context)
        result.page.goto(address)
        yield result
    finally:
        context.close()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the files of a folder on this machine; the value is the address of the folder, with its slash."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Files(SimpleHTTPRequestHandler):
    """Python's own server of files, which keeps quiet."""

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""


def _note_message(complaints: list[str], message: Any) -> None:
    if message.type in ("error", "warning"):
        complaints.append(f"{message.type}: {message.text}")


def _note_request(requests: list[str], request: Any) -> None:
    if not request.url.startswith(("data:", "blob:")):
        requests.append(request.url)
