"""The page about one text: it is whole and true, needs nothing else, and a strange text is only text."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from html import escape, unescape
from html.parser import HTMLParser
from inspect import getsource, getsourcelines
from pathlib import Path

import numpy as np
import pytest
from support.seeded_models import CONFIGS, seeded_tensors, write_checkpoint

import distilnp
from distilnp import Classifier
from distilnp.errors import ArgumentError
from distilnp.explain import attributions, left_out, trace
from distilnp.explain.page.document import Page, page
from distilnp.explain.page.walk import MAX_TOKENS
from distilnp.model import reference
from distilnp.model.config import DistilBertConfig

ODD = CONFIGS["odd-sizes"]
VOCAB = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "good",
    "un",
    "##bear",
    "##able",
    "film",
    "not",
    ".",
    "é",
]

# Markup of every kind that a page has, directions, controls, half of a surrogate pair, and a long word.
STRANGE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(1)> --> ]]> </style> \" ' &amp; $name ${x} "
    "\u202eabc\u2066 שלום \x00\x1b[31m\r\n\u2028\u2029 \ud83d 👩‍👩‍👧 " + "x" * 300
)

# Elements without an end.
VOID = {"meta", "link", "input"}

# What may not be on a page as it is: controls except line ends, other line ends, directions, surrogates.
HARMFUL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

Load = Callable[..., Classifier]


class Parsed(HTMLParser):
    """A page as a browser takes it apart.

    Attributes
    ----------
    tags : list of str
        All elements, in their order.
    values : list of (str, str)
        All attributes.
    strings : list of str
        The text between two tags, each time, without that of scripts and styles.
    faults : list of str
        Elements that are not closed where they should be.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.values: list[tuple[str, str]] = []
        self.strings: list[str] = []
        self.faults: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.faults += self._open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.values += [(name, value or "") for name, value in attributes]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self._open):
            self.strings.append(data)

    @property
    def words(self) -> str:
        """All strings together."""
        return "".join(self.strings)

    def all_of(self, name: str) -> list[str]:
        return [value for one, value in self.values if one == name]


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Return a function that loads a seeded model; the tokens of `VOCAB` come first in its vocabulary."""

    def load(config: DistilBertConfig = ODD, **options: object) -> Classifier:
        vocab = VOCAB + [f"w{i}" for i in range(config.vocab_size - len(VOCAB))]
        folder = tmp_path_factory.mktemp("models") / "model"
        return distilnp.load(write_checkpoint(folder, config, seeded_tensors(config), vocab=vocab), **options)

    return load


@pytest.fixture(scope="module")
def classifier(load: Load) -> Classifier:
    return load()


@pytest.fixture(scope="module")
def usual(classifier: Classifier) -> Page:
    return classifier.inspect("An unbearable film. Not good.")


def attention_of(text: str) -> dict[str, object]:
    (found,) = re.findall(r'<script type="application/json" id="attention-data">(.*?)</script>', text)
    return json.loads(found)


def probs_of(text: str) -> np.ndarray:
    data = attention_of(text)
    numbers = np.frombuffer(b64decode(data["probs"]), np.uint8) / 255
    return numbers.reshape(-1, data["n_heads"], data["n_rows"], data["n_columns"])


# -------------------------------------------------------------------------------------------------- structure


@pytest.mark.parametrize(
    ("config", "text", "said"),
    [
        (ODD, "An unbearable film.", "became several tokens"),
        (ODD, "", "The model was given 0 words"),
        (ODD, {"text": "good film", "text_pair": "not good"}, "The model has 7 labels. These are the 6"),
        (CONFIGS["one-layer"], "good film", "1 layer of 1 head."),
        (CONFIGS["one-label-relu"], "good film", "This model answers with a single number"),
        (replace(ODD, problem_type="multi_label_classification"), "good film", "Each label may apply or not"),
    ],
    ids=["usual", "empty", "pair", "small", "value", "many labels"],
)
def test_a_page_about_any_model_and_text_is_whole(
    load: Load, config: DistilBertConfig, text: str, said: str
) -> None:
    parsed = Parsed(load(config).inspect(text))

    assert parsed.faults == []
    assert len(set(parsed.all_of("id"))) == len(parsed.all_of("id"))
    assert {link[1:] for link in parsed.all_of("href") if link[0] == "#"} <= set(parsed.all_of("id"))
    assert said in parsed.words
    assert set(config.id2label) <= set(parsed.strings)
    assert "$" not in parsed.words


def test_a_page_names_no_address(usual: Page) -> None:
    parsed = Parsed(usual)
    addresses = [
        value for name, value in parsed.values if name in ("href", "src", "srcset", "action", "data")
    ]

    assert {address.partition(",")[0] if address[0] != "#" else "#" for address in addresses} == {
        "#",
        "data:",
    }
    assert set(re.findall(r"url\(.{12}", usual)) == {"url('data:image/"}
    assert set(re.findall(r"\w+://[^\"]*", usual)) == {"http://www.w3.org/2000/svg"}  # the name of a format


def test_the_policy_of_a_page_allows_its_script_and_no_other(usual: Page) -> None:
    (script,) = re.findall(r"<script>(.*?)</script>", usual, re.DOTALL)
    (policy,) = [value for value in Parsed(usual).all_of("content") if "-src" in value]

    assert dict(rule.strip().split(" ", 1) for rule in policy.split(";")) == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": "'unsafe-inline'",
        "script-src": f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_a_page_about_64_tokens_has_less_than_a_megabyte(load: Load) -> None:
    full_size = DistilBertConfig(vocab_size=101, max_position_embeddings=64, hidden_dim=16)
    classifier = load(full_size)
    text = " ".join(f"w{i}" for i in range(62))
    explanation = classifier.explain(text, method="attention_rollout")
    recorded = classifier.trace(text)

    shown = page(recorded, [explanation] * 4, None, full_size, classifier.scoring, first="attention_rollout")

    assert recorded.probs.shape == (6, 12, 64, 64)
    assert len(shown.encode()) < 1_000_000


def test_a_notebook_shows_a_page_in_a_frame(usual: Page) -> None:
    frame = Parsed(usual._repr_html_())

    assert frame.tags == ["iframe"]
    assert frame.all_of("srcdoc") == [usual]


# ------------------------------------------------------------------------------------------ a stranger's text


def test_a_strange_text_is_only_text(classifier: Classifier, usual: Page) -> None:
    shown = classifier.inspect({"text": STRANGE, "text_pair": STRANGE})
    parsed = Parsed(shown)

    assert parsed.faults == []
    assert set(parsed.tags) <= set(Parsed(usual).tags) | {"del", "strong"}
    assert parsed.tags.count("script") == 2
    assert [name for name, _ in parsed.values if name.startswith("on")] == []
    assert HARMFUL.findall(shown) == []
    assert parsed.words.count("<img src=x onerror=alert(1)> --> ]]> </style> \" ' &amp; $name ${x} ") >= 2
    assert "\\u202eabc\\u2066 שלום ␀␛[31m␍␊\\u2028\\u2029 \\ud83d 👩‍👩‍👧 xxx" in parsed.words


def test_a_strange_label_is_only_text(load: Load, usual: Page) -> None:
    shown = load(replace(ODD, id2label=("</script><i>\u202e", *ODD.id2label[1:]))).inspect("good", target=0)

    assert set(Parsed(shown).tags) <= set(Parsed(usual).tags) | {"del", "strong"}
    assert HARMFUL.findall(shown) == []
    assert "</script><i>\\u202e" in Parsed(shown).words


# ------------------------------------------------------------------------------------------------------ truth


@pytest.mark.parametrize(
    "function",
    [
        reference.embed,
        reference.layer_norm,
        reference.self_attention,
        reference.softmax,
        reference.linear,
        reference.transformer_block,
        reference.feed_forward,
        reference.gelu,
        reference.head,
        trace.logit_lens,
        attributions.gradient_x_input,
        attributions.integrated_gradients,
        attributions.attention_rollout,
        left_out.effects_of_words,
    ],
)
def test_a_page_has_the_lines_of_code_that_do_a_step(usual: Page, function: Callable[..., object]) -> None:
    lines, first = getsourcelines(function)
    path = Path(function.__code__.co_filename).relative_to(Path(distilnp.__file__).parents[1]).as_posix()
    code = re.sub(r'\n *""".*?"""', "", getsource(function), count=1, flags=re.DOTALL)

    place = f"{path}, lines {first}–{first + len(lines) - 1}"
    beside = f"<figcaption>{place}</figcaption><pre [^>]*><code>{re.escape(escape(code.strip()))}</code>"
    assert re.search(beside, usual)


def test_a_page_says_what_calibrated_logits_are_divided_by(classifier: Classifier) -> None:
    calibrated = replace(classifier, scoring=replace(classifier.scoring, temperature=1.5))
    shown = calibrated.inspect("good")

    assert "They are divided by the temperature 1.5 first." in Parsed(shown).words


def test_a_model_with_relu_has_its_lines(load: Load) -> None:
    shown = load(CONFIGS["one-label-relu"]).inspect("good")

    assert "return np.maximum(x, 0.0)" in shown
    assert "GELU" not in shown


def test_attention_is_that_of_the_trace_to_two_digits(classifier: Classifier, usual: Page) -> None:
    expected = classifier.trace("An unbearable film. Not good.").probs

    assert np.abs(probs_of(usual) - expected).max() <= 0.5 / 255 + 1e-6


def test_attention_of_a_long_text_is_that_of_its_first_tokens_and_the_page_says_so(
    load: Load, classifier: Classifier
) -> None:
    text = " ".join(f"w{i % 150}" for i in range(200))
    expected = classifier.trace(text).probs[..., :MAX_TOKENS, :]
    shown = classifier.inspect(text, method="gradient_x_input")
    probs = probs_of(shown)

    assert np.abs(probs[..., :MAX_TOKENS] - expected[..., :MAX_TOKENS]).max() <= 0.5 / 255 + 1e-6
    assert np.abs(probs[..., MAX_TOKENS] - expected[..., MAX_TOKENS:].sum(-1)).max() <= 0.5 / 255 + 1e-6
    assert "The model was given 202 tokens. This step shows the first 128" in Parsed(shown).words
    assert "… 74 more tokens" in shown


def test_a_text_that_is_cut_is_said_to_be(load: Load) -> None:
    shown = load(max_length=4).inspect("good film not good")

    assert "The whole text has 6 tokens, and the model was given 4 of them." in Parsed(shown).words
    assert shown.count('title="not given to the model">good<') == 4  # by each method


def test_a_word_stands_over_its_tokens_and_their_ids(usual: Page) -> None:
    words = re.findall(r'<li class="word[^"]*">(.*?)</li>', usual)

    assert [re.sub("<.*?>", " ", word).split() for word in words] == [
        ["added", "[CLS]", "2"],
        ["An", "[UNK]", "1"],
        ["unbearable", "un", "6", "##bear", "7", "##able", "8"],
        ["film", "film", "9"],
        [".", ".", "11"],
        ["Not", "not", "10"],
        ["good", "good", "5"],
        [".", ".", "11"],
        ["added", "[SEP]", "3"],
    ]


def test_each_method_has_its_numbers_and_rollout_is_not_said_to_be_why(
    classifier: Classifier, usual: Page
) -> None:
    panels = dict(re.findall(r'id="panel-(\w+)"(.*?)</section>', usual, re.DOTALL))

    for method, panel in panels.items():
        words = classifier.explain("An unbearable film. Not good.", method=method).words
        assert re.findall(r'title="(.*?)"', panel) == [f"{word.attribution:+.3f}" for word in words]
    assert [*panels] == ["gradient_x_input", "integrated_gradients", "leave_one_out", "attention_rollout"]
    assert ["speaks for" in panel for panel in panels.values()] == [True, True, True, False]
    assert "It says where the model looked, not why it answered." in panels["attention_rollout"]


def test_the_words_that_turn_the_answer_are_struck_out(classifier: Classifier, usual: Page) -> None:
    found = classifier.counterfactual("An unbearable film. Not good.")

    assert found is not None
    assert re.findall("<del>(.*?)</del>", usual) == [word.text for word in found.words]
    assert f"{found.after.score:.4f}" in usual


def test_the_method_and_the_label_that_are_asked_for_come_first(classifier: Classifier) -> None:
    shown = classifier.inspect("good film", method="leave_one_out", target="c")

    assert re.findall(r'name="method" id="by-(\w+)" checked', shown) == ["leave_one_out"]
    assert re.findall(r"against</span> <strong><bdi>(\w)</bdi>", unescape(shown)) == ["c"] * 3


@pytest.mark.parametrize(
    ("options", "asked", "message"),
    [
        ({}, {"method": "guess"}, "method is 'guess', expected one of"),
        ({}, {"target": "z"}, "target is 'z', expected one of the labels"),
        ({"max_length": 5, "long_text": "windows", "stride": 1}, {}, "in 2 parts, expected one"),
    ],
)
def test_what_a_page_cannot_be_about_is_an_error(
    load: Load, options: dict[str, object], asked: dict[str, str], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        load(**options).inspect("good film not good", **asked)
