"""The page of `docs/browser`, with the whole model in Chromium, from a server of files."""

import hashlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.browser import NODE_MODULES, Opened, opened, served
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint

import distilnp

SOURCES = Path(__file__).parents[2] / "docs" / "browser"
PYODIDE = NODE_MODULES / "pyodide"

# Enough for Python to start on a busy machine. It only ends a test that hangs.
PATIENCE_MS = 60_000

# The text that is in the page when it opens.
FIRST = "I really liked that movie!"

TYPES = {".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm"}


def build_module() -> ModuleType:
    """Return build.py as a module."""
    spec = importlib.util.spec_from_file_location("build", SOURCES / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build(folder: Path, *options: object) -> Path:
    """Run build.py as a user does."""
    subprocess.run([sys.executable, SOURCES / "build.py", folder, *options], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def pyodide() -> Path:
    """Return the folder of npm's Pyodide, with a NumPy beside it."""
    if not any(PYODIDE.glob("numpy-*.whl")):
        pytest.skip(f"{PYODIDE} has no NumPy; `make test-browser` fetches it")
    return PYODIDE


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, pyodide: Path) -> Path:
    """Return the page with its own Pyodide, which needs no other server."""
    return build(tmp_path_factory.mktemp("page") / "out", "--pyodide", pyodide)


@pytest.fixture(scope="module")
def address(built: Path) -> Iterator[str]:
    """Serve the page."""
    with served(built) as address:
        yield address


@pytest.fixture(scope="module")
def ready(browser: Any, address: str) -> Iterator[Opened]:
    """Open the page, and wait until it has classified its first text. Tests share it: Python starts once."""
    with opened(browser, address) as opening:
        wait_for_answer(opening)
        yield opening


def wait_for_answer(opening: Opened) -> None:
    opening.page.wait_for_selector("#answer[aria-busy=false]", timeout=PATIENCE_MS)


def classify(opening: Opened, text: str) -> str:
    """Type a text, and return what the page says of it."""
    opening.page.fill("#text", text)
    wait_for_answer(opening)
    return opening.page.inner_text("#summary")


def answer_of_the_library(text: str, model: str | Path = "sst2-mini") -> str:
    prediction = distilnp.classify(text, model)
    return f"{prediction.label}, {prediction.score:.4f}"


# ------------------------------------------------------------------------------------------------- answers


@pytest.mark.parametrize(
    "text", ["What a waste of two hours.", "Ein schöner Film 🎬, naïve café!", "\ud800 half", "x" * 300]
)
def test_a_text_gets_the_label_and_the_score_of_the_library(ready: Opened, text: str) -> None:
    assert classify(ready, text) == answer_of_the_library(text)


def test_the_tokens_are_shown_with_their_ids(ready: Opened) -> None:
    text = "An unforgettably tender film."
    classify(ready, text)
    encoding = distilnp.load("sst2-mini").tokenizer.encode(text)

    assert ready.page.locator("#tokens .token").all_inner_texts() == [*encoding.tokens]
    assert ready.page.locator("#tokens .id").all_inner_texts() == [*map(str, encoding.ids)]
    assert ready.page.inner_text("#count").startswith(f"{len(encoding.ids)} tokens")


def test_every_label_has_its_score(ready: Opened) -> None:
    text = "Not bad at all."
    classify(ready, text)

    rows = [line.split() for line in ready.page.locator("#scores tr").all_inner_texts()]
    expected = distilnp.classify(text).scores
    assert rows == [[label, f"{score:.4f}"] for label, score in expected.items()]
    assert ready.page.inner_text("#note").endswith(" ms.")


def test_markup_in_a_text_is_shown_as_text(ready: Opened) -> None:
    text = "<img src=x onerror=alert(1)> <b>fine</b> &amp;"

    assert classify(ready, text) == answer_of_the_library(text)
    assert ready.page.locator("#reading img, #reading b, #answer img, #answer b").count() == 0
    assert "<" in ready.page.locator("#tokens .token").all_inner_texts()


def test_a_text_that_the_model_cannot_see_whole_says_so(ready: Opened) -> None:
    text = "a" + "! " * 600
    n_tokens = len(distilnp.load("sst2-mini").tokenizer.encode(text))

    ready.page.fill("#text", text)

    expected = f"{n_tokens} tokens; under each one is its id. The model sees the first 512."
    ready.page.wait_for_function("text => document.querySelector('#count').textContent == text", arg=expected)
    ready.page.fill("#text", "")  # or the next test would wait for seconds


def test_python_runs_in_a_worker_and_the_newest_text_wins(ready: Opened, address: str) -> None:
    ready.page.fill("#text", "dull " * 100)
    ready.page.wait_for_timeout(400)  # longer than the pause after which it is sent
    for text in ("a", "a joy", "What a joy."):
        ready.page.fill("#text", text)
    wait_for_answer(ready)

    assert ready.page.inner_text("#summary") == answer_of_the_library("What a joy.")
    assert [worker.url for worker in ready.page.workers] == [f"{address}worker.js"]


def test_a_blank_text_has_no_label(ready: Opened) -> None:
    classify(ready, "What a joy.")
    ready.page.fill("#text", " \n ")

    assert not ready.page.is_visible("#answer")
    assert not ready.page.is_visible("#reading")
    assert classify(ready, "What a joy.") == answer_of_the_library("What a joy.")
    assert ready.page.is_visible("#reading")


# ---------------------------------------------------------------------------------------------- everybody


def test_the_page_is_used_with_the_keyboard_alone(ready: Opened) -> None:
    page = ready.page
    page.focus("#text")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("What a bore.")
    wait_for_answer(ready)
    typed = page.inner_text("#summary")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait_for_answer(ready)

    assert typed == answer_of_the_library("What a bore.")
    assert page.input_value("#text") == "What a waste of two hours."
    assert page.inner_text("#summary") == answer_of_the_library("What a waste of two hours.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_no_fault_and_nothing_is_cut_off(ready: Opened, scheme: Any, width: int) -> None:
    classify(ready, "w" * 150 + " is a long word, and this is a film.")
    ready.page.emulate_media(color_scheme=scheme)
    ready.page.set_viewport_size({"width": width, "height": 740})

    assert ready.violations() == []
    assert ready.page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_screen_reader_hears_the_label_and_knows_what_each_part_is(ready: Opened) -> None:
    classify(ready, "What a joy.")

    tree = ready.page.locator("main").aria_snapshot()
    assert '- textbox "Text": What a joy.' in tree
    assert f"- status: {answer_of_the_library('What a joy.')}" in tree
    assert '- table "Scores"' in tree
    assert '- rowheader "POSITIVE"' in tree
    assert '- list "Tokens"' in tree
    assert '- group "Examples"' in tree


# --------------------------------------------------------------------------------------------------- files


def test_the_page_asks_only_the_server_of_its_files_and_complains_of_nothing(
    ready: Opened, address: str, built: Path
) -> None:
    asked = {url.removeprefix(address) or "index.html" for url in ready.requests}

    files = {path.relative_to(built).as_posix() for path in built.rglob("*") if path.is_file()}
    assert asked == files
    assert ready.complaints == []


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkpoint that loads at once, and whose labels are markup."""
    config = CONFIGS["one-layer"]
    labels = {str(i): f"<b>{i}</b>&amp;<img src=x>" for i in range(config.n_labels)}
    folder = tmp_path_factory.mktemp("models") / "small"
    return write_checkpoint(folder, config, seeded_tensors(config), id2label=labels)


@pytest.fixture(scope="module")
def from_the_cdn(tmp_path_factory: pytest.TempPathFactory, small: Path, pyodide: Path) -> Path:
    """Return the page that fetches Pyodide from the CDN, for a model that does not come with distilnp."""
    return build(tmp_path_factory.mktemp("cdn") / "out", "--model", small)


def cdn(change: Callable[[str, bytes], bytes] = lambda name, content: content) -> Callable[[Any], None]:
    """Return what answers in place of the CDN, which tests do not ask, with npm's files."""

    def answer(route: Any) -> None:
        path = PYODIDE / route.request.url.rpartition("/")[2]
        route.fulfill(
            body=change(path.name, path.read_bytes()),
            content_type=TYPES.get(path.suffix, "application/octet-stream"),
            headers={"access-control-allow-origin": "*", "cache-control": "max-age=60"},
        )

    return lambda context: context.route("https://cdn.jsdelivr.net/**", answer)


def test_the_files_of_the_cdn_are_those_of_npm_and_of_pyodides_list(pyodide: Path) -> None:
    build = build_module()
    lock = json.loads((pyodide / "pyodide-lock.json").read_bytes())

    assert json.loads((pyodide / "package.json").read_bytes())["version"] == build.VERSION
    assert (build.NUMPY, build.FILES[build.NUMPY][1]) == (
        lock["packages"]["numpy"]["file_name"],
        lock["packages"]["numpy"]["sha256"],
    )
    for name, expected in build.FILES.items():
        if name != build.NUMPY:
            content = (pyodide / name).read_bytes()
            assert (len(content), hashlib.sha256(content).hexdigest()) == expected


def test_the_page_works_for_any_model_with_the_files_of_the_cdn(
    browser: Any, from_the_cdn: Path, small: Path
) -> None:
    build = build_module()

    with served(from_the_cdn) as address, opened(browser, address, cdn()) as opening:
        wait_for_answer(opening)
        assert opening.page.inner_text("#summary") == answer_of_the_library(FIRST, small)
        heads = opening.page.locator("#scores th").all_inner_texts()
        assert heads == [*distilnp.load(small).labels]
        assert opening.page.locator("#answer b, #answer img").count() == 0
        assert opening.page.inner_text("#about").startswith("small; distilnp ")
        elsewhere = {url for url in opening.requests if not url.startswith(address)}
        assert opening.complaints == []

    core = {build.CORE + name for name in build.FILES if name != build.NUMPY}
    assert elsewhere == core | {build.PACKAGES + build.NUMPY}


# -------------------------------------------------------------------------------------------------- errors


def problem(opening: Opened) -> str:
    """Wait for what the page says, and return it."""
    opening.page.wait_for_function(
        "document.querySelector('#problem').textContent.includes(':')", timeout=PATIENCE_MS
    )
    assert not opening.page.is_visible("#loading")
    return opening.page.inner_text("#problem")


def test_a_file_of_the_cdn_that_was_changed_is_refused(browser: Any, from_the_cdn: Path) -> None:
    damaged = cdn(lambda name, content: content[:-1] + b"!" if name == "pyodide.mjs" else content)

    with served(from_the_cdn) as address, opened(browser, address, damaged) as opening:
        assert problem(opening).startswith("pyodide.mjs cannot be fetched whole")


def test_a_browser_without_webassembly_is_told(browser: Any, address: str) -> None:
    def prepare(context: Any) -> None:
        context.add_init_script("delete globalThis.WebAssembly")

    with opened(browser, address, prepare) as opening:
        assert problem(opening).startswith("This browser has no WebAssembly")
        assert opening.violations() == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("distilnp.zip", "distilnp.zip cannot be fetched whole (status 404)"),
        ("pyodide/pyodide.asm.wasm", "pyodide.asm.wasm cannot be fetched whole"),
        ("settings.json", "settings.json cannot be fetched"),
        ("worker.js", "worker.js cannot be started"),
    ],
)
def test_a_missing_file_is_named_in_one_sentence(browser: Any, address: str, name: str, message: str) -> None:
    def prepare(context: Any) -> None:
        context.route(f"**/{name}", lambda route: route.fulfill(status=404))

    with opened(browser, address, prepare) as opening:
        said = problem(opening)

    assert said.startswith(message)
    assert said.count("\n") == 0


def test_a_network_that_ends_is_told(browser: Any, address: str) -> None:
    def prepare(context: Any) -> None:
        context.route("**/distilnp.zip", lambda route: route.abort())

    with opened(browser, address, prepare) as opening:
        assert problem(opening).endswith("check the connection, and load the page again.")


def test_a_file_that_was_cut_off_is_refused(browser: Any, address: str, built: Path) -> None:
    def prepare(context: Any) -> None:
        content = (built / "distilnp.zip").read_bytes()[:1_000_000]
        context.route("**/distilnp.zip", lambda route: route.fulfill(body=content))

    with opened(browser, address, prepare) as opening:
        assert problem(opening).startswith("distilnp.zip cannot be fetched whole (it is too short)")


def test_the_page_from_a_disk_says_what_it_needs(browser: Any, built: Path) -> None:
    with opened(browser, (built / "index.html").as_uri()) as opening:
        assert "needs JavaScript and a server of files" in opening.page.inner_text("#problem")
        assert opening.violations() == []


# ------------------------------------------------------------------------------------------------- build.py


def test_a_folder_that_has_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    done = subprocess.run(
        [sys.executable, SOURCES / "build.py", tmp_path], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"build.py: error: {tmp_path} exists, expected a new or an empty folder\n"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
