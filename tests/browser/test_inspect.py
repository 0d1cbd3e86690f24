"""The page of `distilnp inspect` in a browser: by pointer, by keyboard, in light and dark, and on a phone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.browser import Opened, opened
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint

import distilnp
from distilnp import Classifier

TEXT = "w1 w2 w3 w4, w5 w6 w7 w8."

# The first one would run if the page took text for markup; the second one, if it took it for a template's.
STRANGE = (
    "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> "
    "<a href=javascript:alert(1)>w1</a> ${document.title='owned'} \u202eשלום مرحبا\x00\x1b[2J\n\ud83d 👩‍👩‍👧 "
    + "w"
    * 500
)

PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    config = CONFIGS["odd-sizes"]
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ",", ".", *"<>/()='\""]
    vocab += [f"w{i}" for i in range(config.vocab_size - len(vocab))]
    folder = tmp_path_factory.mktemp("models") / "model"
    return distilnp.load(write_checkpoint(folder, config, seeded_tensors(config), vocab=vocab))


@pytest.fixture(scope="module")
def address(classifier: Classifier, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("pages") / "page.html"
    path.write_text(classifier.inspect(TEXT), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def opening(browser: Any, address: str) -> Iterator[Opened]:
    """Return the page, which each test leaves as it likes."""
    with opened(browser, address) as opening:
        yield opening


def looked_at(opening: Opened) -> tuple[str, list[str]]:
    """Return what the page says about a token: the sentence, and the three tokens that it looks at most."""
    items = opening.page.locator("#looks bdi").all_text_contents()
    return opening.page.locator("#looking").text_content(), items[:3]


def expected(classifier: Classifier, layer: int, head: int, token: int) -> tuple[str, list[str]]:
    trace = classifier.trace(TEXT)
    probs = trace.probs[layer, head, token]
    tokens = [trace.tokens[i] for i in probs.argsort()[::-1][:3]]
    return f"In layer {layer}, head {head}, “{trace.tokens[token]}” looks at:", tokens


def first_head(frame: Any) -> tuple[int, int]:
    """Return the layer and the head that the page has chosen."""
    value = int(frame.locator(".head input:checked").get_attribute("value"))
    return divmod(value, CONFIGS["odd-sizes"].n_heads)


@pytest.mark.parametrize(
    "options",
    [{}, {"color_scheme": "dark"}, {"viewport": PHONE}],
    ids=["light", "dark", "phone"],
)
def test_the_page_breaks_no_rule_and_asks_for_nothing(
    browser: Any, address: str, options: dict[str, Any]
) -> None:
    with opened(browser, address, **options) as opening:
        opening.page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")

        assert opening.violations() == []
        assert opening.complaints == []
        assert opening.requests == [address]
        assert opening.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_pointer_over_a_token_shows_where_it_looks_until_it_leaves(
    opening: Opened, classifier: Classifier
) -> None:
    page = opening.page
    page.locator(".head input").nth(7).check(force=True)  # layer 1, head 2
    page.locator(".look input").nth(0).check(force=True)

    page.locator(".look").nth(3).hover()
    over = looked_at(opening)
    page.locator("h1").hover()

    assert over == expected(classifier, 1, 2, 3)
    assert looked_at(opening) == expected(classifier, 1, 2, 0)


def test_a_click_chooses_a_head_and_a_token(opening: Opened, classifier: Classifier) -> None:
    page = opening.page
    page.locator(".head").nth(11).click()  # layer 2, head 1
    page.locator(".look").nth(5).click()
    page.locator("h1").hover()

    assert looked_at(opening) == expected(classifier, 2, 1, 5)
    shares = page.eval_on_selector_all(
        ".look", "all => all.map(one => +one.style.getPropertyValue('--share'))"
    )
    probs = classifier.trace(TEXT).probs[2, 1, 5]
    assert [share**2 for share in shares] == pytest.approx(probs.tolist(), abs=0.5 / 255)
    image = page.locator(".head span").nth(11).evaluate("one => getComputedStyle(one).maskImage")
    assert page.locator(".matrix span").evaluate("one => getComputedStyle(one).maskImage") == image


def test_the_keyboard_alone_chooses_and_what_it_chooses_is_said(
    opening: Opened, classifier: Classifier
) -> None:
    page = opening.page
    page.locator(".head input").nth(0).check(force=True)
    page.locator(".look input").nth(0).check(force=True)
    page.locator(".head input").nth(0).focus()

    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
    page.keyboard.press("Tab")
    for _ in range(4):
        page.keyboard.press("ArrowRight")

    sentence, tokens = expected(classifier, 1, 2, 4)
    assert looked_at(opening) == (sentence, tokens)
    said = page.get_by_role("status").text_content()
    assert said.startswith(f"{sentence[:-1]} {tokens[0]}, 0.")
    assert page.evaluate("getComputedStyle(document.activeElement.parentElement).outlineStyle") == "solid"


def test_choosing_a_method_shows_it_alone(opening: Opened) -> None:
    page = opening.page
    page.get_by_role("radio", name="Leaving out each word").focus()  # the default, which is chosen already

    shown = []
    for _ in range(4):
        shown += page.eval_on_selector_all(
            ".panel", "all => all.filter(one => one.offsetHeight).map(one => one.id)"
        )
        page.keyboard.press("ArrowRight")

    assert shown == [
        "panel-leave_one_out",
        "panel-attention_rollout",
        "panel-gradient_x_input",
        "panel-integrated_gradients",
    ]


def test_the_keyboard_stops_only_at_what_it_can_move(opening: Opened) -> None:
    opening.page.wait_for_function("!document.querySelector('blockquote').hasAttribute('tabindex')")
    idle = """all => all.filter(one => one.checkVisibility({contentVisibilityAuto: true})).filter(
        one => one.scrollWidth <= one.clientWidth && one.scrollHeight <= one.clientHeight
    ).length"""

    assert opening.page.eval_on_selector_all("[tabindex]", idle) == 0


def test_every_picture_can_be_decoded(opening: Opened) -> None:
    sizes = opening.page.evaluate("""async () => {
        const sizes = [];
        for (const one of document.querySelectorAll("[style*='--image']")) {
            const image = new Image();
            image.src = one.style.getPropertyValue("--image").slice(5, -2);
            await image.decode();
            sizes.push([image.naturalWidth, image.naturalHeight]);
        }
        return sizes;
    }""")

    assert sizes == [[35, 12]] * 2 + [[12, 12]] * 15 + [[12, 12]]  # vectors, heads, the chosen head


def test_a_page_without_scripts_reads(browser: Any, address: str) -> None:
    with opened(browser, address, java_script_enabled=False) as opening:
        page = opening.page
        page.get_by_text("Attention rollout", exact=True).first.click()

        assert page.locator("#panel-attention_rollout").is_visible()
        assert not page.locator("#panel-integrated_gradients").is_visible()
        assert page.locator("noscript .note").is_visible()
        assert page.locator("#head td").first.is_visible()


def test_the_frame_of_a_notebook_has_the_whole_page(
    browser: Any, classifier: Classifier, tmp_path: Path
) -> None:
    path = tmp_path / "notebook.html"
    path.write_text(f"<!doctype html>{classifier.inspect(TEXT)._repr_html_()}", encoding="utf-8")

    with opened(browser, path.as_uri()) as opening:
        frame = opening.page.frame_locator("iframe")
        frame.locator(".look").nth(4).click()

        assert frame.locator("#looking").text_content() == expected(classifier, *first_head(frame), 4)[0]
        assert (opening.complaints, opening.requests) == ([], [path.as_uri()])


def test_a_strange_text_does_nothing(browser: Any, classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(classifier.inspect({"text": STRANGE, "text_pair": STRANGE}), encoding="utf-8")

    with opened(browser, path.as_uri(), viewport=PHONE) as opening:
        page = opening.page
        page.locator(".look").nth(2).click()

        assert page.title() == "Inside the model"
        assert (opening.complaints, opening.requests) == ([], [path.as_uri()])
        assert page.locator("img, main a, script:not([type])").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        hidden = "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).length"
        assert page.eval_on_selector_all(".text, .word", hidden) == 0
