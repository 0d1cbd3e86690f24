"""What the answer comes from, as pieces of a page: the text coloured by each method, and a counterfactual."""

from collections.abc import Sequence

from ...choices import ExplainMethod
from ..attribution import Attribution
from ..counterfactual import Counterfactual
from ..explanation import METHODS, Explanation
from ..fragment import safe
from ...predictions import Prediction
from ..pieces import Piece, pieces
from .excerpts import code
from .formulas import METHOD_FORMULAS
from .walk import bar

# Words in the list of a method. The coloured text has all of them.
MAX_WORDS = 10

# What each method says, what it does not say, and where its code is.
ABOUT: dict[ExplainMethod, str] = {
    "gradient_x_input": "How fast the logit changes with a word’s vector, times that vector. It is the cheapest "
    "method and the least reliable: if the model is sure, its slope says little about what made it sure.",
    "integrated_gradients": "The mean slope on the way from a text that says nothing to this text, times the "
    "difference between the two. The attributions add up to the difference between the two logits.",
    "leave_one_out": "How far the logit falls if the model reads the text without this word. Nothing is "
    "approximated; but two words that say the same can stand in for each other, and then neither seems to count.",
    "attention_rollout": "Which part of [CLS] comes from each word if only attention mixed the tokens. "
    "<strong>It says where the model looked, not why it answered.</strong> It is the same for every label, and it "
    "cannot speak against one.",
}
CODE: dict[ExplainMethod, tuple[str, str]] = {
    "gradient_x_input": ("explain/attributions.py", "gradient_x_input"),
    "integrated_gradients": ("explain/attributions.py", "integrated_gradients"),
    "leave_one_out": ("explain/left_out.py", "effects_of_words"),
    "attention_rollout": ("explain/attributions.py", "attention_rollout"),
}


def methods(explanations: Sequence[Explanation], first: ExplainMethod) -> str:
    """Return a choice among methods, and what each of them says."""
    choices = "".join(
        f'<label><input type="radio" name="method" id="by-{one.method}"{" checked" * (one.method == first)}>'
        f"<span>{_name(one.method)}</span></label>"
        for one in explanations
    )
    panels = "".join(map(_panel, explanations))
    return (
        '<div class="methods"><fieldset class="choice"><legend>Method</legend>'
        f"{choices}</fieldset>{panels}</div>"
    )


def _panel(one: Explanation) -> str:
    is_why = one.method != "attention_rollout"
    texts = "".join(
        f'<p class="text" lang="" dir="auto">{"".join(_coloured(piece, is_why) for piece in pieces(text, i, one.words))}</p>'
        for i, text in enumerate(one.texts)
    )
    key = (
        f'<span class="key for">speaks for</span> or <span class="key against">against</span> '
        f"<strong><bdi>{safe(one.target)}</bdi></strong>, whose logit is {one.logit:+.2f}"
        if is_why
        else '<span class="key looked">looked at</span>, whatever the label'
    )
    return (
        f'<section class="panel" id="panel-{one.method}" aria-label="{_name(one.method)}">'
        f"<p>{ABOUT[one.method]}</p>{METHOD_FORMULAS[one.method]}"
        f'<p class="legend">{key}</p>{texts}{_strongest(one)}{_exactness(one)}{code(*CODE[one.method])}</section>'
    )


def _coloured(piece: Piece, is_why: bool) -> str:
    if piece.word is None:
        return safe(piece.text)
    if not piece.word.is_seen:
        return f'<span class="unseen" title="not given to the model">{safe(piece.text)}</span>'
    kind = ("for" if piece.strength > 0 else "against") if is_why else "looked"
    return (
        f'<span class="{kind}" style="--share:{abs(piece.strength):.3f}" '
        f'title="{piece.word.attribution:+.3f}">{safe(piece.text)}</span>'
    )


def _strongest(one: Explanation) -> str:
    """Return the words that count most as a table with bars."""
    words = [word for word in one.strongest(MAX_WORDS) if word.attribution]
    if not words:
        return '<p class="note">No word counts.</p>'
    largest = abs(words[0].attribution)
    rows = "".join(
        f'<tr><th scope="row"><bdi>{safe(word.text)}</bdi></th>'
        f"<td>{bar(word.attribution / largest)}{word.attribution:+.3f}</td></tr>"
        for word in words
    )
    n_words = sum(word.is_seen for word in one.words)
    which = "all words" if len(words) == n_words else f"the {len(words)} of {n_words} words that count most"
    what = "part of [CLS]" if one.method == "attention_rollout" else "attribution"
    return (
        f'<table class="bars"><caption>By {METHODS[one.method]}: {which}</caption><thead><tr>'
        f'<th scope="col">word</th><th scope="col">{what}</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _exactness(one: Explanation) -> str:
    """Return what the attributions add up to, where the method says."""
    if one.error is None or one.baseline_logit is None:
        return ""
    return (
        f'<p class="note">The logit is {one.logit:+.2f}, and {one.baseline_logit:+.2f} for a text that says '
        f"nothing. The attributions, with {one.special:+.3f} for [CLS] and [SEP], add up to the difference of "
        f"{one.logit - one.baseline_logit:+.2f} within {abs(one.error):.2g}, at {one.n_steps} points of the way.</p>"
    )


def _name(method: ExplainMethod) -> str:
    name = METHODS[method]
    return name[0].upper() + name[1:]


def turned(found: Counterfactual | None, *, has_one_value: bool) -> str:
    """Return the text without the words whose removal turns the answer, or why there is no such text."""
    if has_one_value:
        return (
            "<p>This model answers with a single number, which cannot become another label. Leaving out each "
            "word, in the step before, says what moves the number.</p>"
        )
    if found is None:
        return (
            "<p>No removal was found that turns the answer: not the removal of single words, not of pairs or "
            "triples as far as the search went, and not of the words that count most, one after the other.</p>"
        )
    texts = "".join(
        f'<p class="text" lang="" dir="auto">{"".join(map(_struck, pieces(text, i, found.words)))}</p>'
        for i, text in enumerate(found.texts)
    )
    n = len(found.words)
    words = "this word" if n == 1 else f"these {n} words"
    fewest = "No smaller number of words does that." if n > 1 else "One word is enough."
    certain = (
        fewest
        if found.is_minimal
        else "None of them can stay; but it is not certain that no other, smaller set of words does the same."
    )
    return (
        f"<p>Without {words}, the answer is another one. {certain}</p>{texts}"
        '<table class="bars"><thead><tr><th scope="col">text</th><th scope="col">answer</th>'
        '<th scope="col">score</th></tr></thead><tbody>'
        f"{_answer_row('as it is', found.before)}{_answer_row('shortened', found.after)}</tbody></table>"
    )


def _struck(piece: Piece) -> str:
    shown = safe(piece.text)
    return shown if piece.word is None else f"<del>{shown}</del>"


def _answer_row(name: str, prediction: Prediction) -> str:
    answer = ", ".join(f"<bdi>{safe(label)}</bdi>" for label in prediction.labels) or "no label"
    highest = f"<bdi>{safe(prediction.label)}</bdi> " if prediction.labels != (prediction.label,) else ""
    return (
        f'<tr><th scope="row">{name}</th><td>{answer}</td>'
        f"<td>{bar(prediction.score)}{highest}{prediction.score:.4f}</td></tr>"
    )
