"""What the answer comes from, as pieces of a page: the text coloured by each method, and a counterfactual."""

from collections.abc import Sequence

from ...choices import ExplainMethod
from ...predictions import Prediction
from ..counterfactual import Counterfactual
from ..explanation import METHODS, Explanation
from ..fragment import safe
from ..pieces import Piece, pieces
from .elements import bar, isolated, note, passage, table
from .excerpts import code
from .formulas import METHOD_FORMULAS

# The methods that say why. The other one says where the model looked.
WHY = ("gradient_x_input", "integrated_gradients", "leave_one_out")

# Words in the list of a method. The coloured text has all of them.
MAX_WORDS = 10

# What each method says, what it does not say, and where its code is.
ABOUT: dict[ExplainMethod, str] = {
    "gradient_x_input": "How fast the logit changes with a word’s vector, times that vector. It is "
    "cheap, and says little where the model is sure: its slope there is not what made it sure.",
    "integrated_gradients": "The mean slope on the way from a text that says nothing to this text, times the "
    "difference between the two. The attributions add up to the difference between the two logits.",
    "leave_one_out": "How far the logit falls if the model reads the text without this word. Nothing is "
    "approximated. But two words that say the same can stand in for each other, and then neither seems to "
    "count.",
    "attention_rollout": "Which part of [CLS] comes from each word if only attention mixed the tokens. "
    "<strong>It says where the model looked, not why it answered.</strong> It is the same for every label, "
    "and it cannot speak against one.",
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
    is_why = one.method in WHY
    texts = "".join(
        passage("".join(_coloured(piece, is_why) for piece in pieces(text, i, one.words)))
        for i, text in enumerate(one.texts)
    )
    key = (
        f'<span class="key for">speaks for</span> or <span class="key against">against</span> '
        f"<strong>{isolated(one.target)}</strong>, whose logit is {one.logit:+.2f}"
        if is_why
        else '<span class="key looked">looked at</span>, whatever the label'
    )
    return (
        f'<section class="panel" id="panel-{one.method}" aria-label="{_name(one.method)}">'
        f"<p>{ABOUT[one.method]}</p>{METHOD_FORMULAS[one.method]}"
        f'<p class="legend">{key}</p>{texts}{_strongest(one)}{_exactness(one)}'
        f"{code(*CODE[one.method])}</section>"
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
        return note("No word counts.")
    largest = abs(words[0].attribution)
    n_words = sum(word.is_seen for word in one.words)
    which = "all words" if len(words) == n_words else f"the {len(words)} of {n_words} words that count most"
    return table(
        ("word", "attribution" if one.method in WHY else "part of [CLS]"),
        (
            (isolated(word.text), f"{bar(word.attribution / largest)}{word.attribution:+.3f}")
            for word in words
        ),
        f"By {METHODS[one.method]}: {which}",
    )


def _exactness(one: Explanation) -> str:
    """Return what the attributions add up to, where the method says."""
    if one.error is None or one.baseline_logit is None:
        return ""
    return note(
        f"The logit is {one.logit:+.2f}, and {one.baseline_logit:+.2f} for a text that says nothing. The "
        f"attributions, with {one.special:+.3f} for [CLS] and [SEP], add up to the difference of "
        f"{one.logit - one.baseline_logit:+.2f} within {abs(one.error):.2g}. The slope was taken at "
        f"{one.n_steps} points of the way."
    )


def _name(method: ExplainMethod) -> str:
    name = METHODS[method]
    return name[0].upper() + name[1:]


def turned(found: Counterfactual | None, *, has_choice: bool) -> str:
    """Return the text without the words whose removal turns the answer, or why there is no such text."""
    if not has_choice:
        return (
            "<p>This model answers with a single number, which cannot become another label. Leaving out each "
            "word, in the step before, says what moves the number.</p>"
        )
    if found is None:
        return (
            "<p>No removal was found that turns the answer. Single words were tried, pairs and triples if "
            "the text is short, and the words that count most all together.</p>"
        )
    texts = "".join(
        passage("".join(map(_struck, pieces(text, i, found.words)))) for i, text in enumerate(found.texts)
    )
    n = len(found.words)
    words = "this word" if n == 1 else f"these {n} words"
    if not found.is_minimal:
        certain = "None of them can stay, but perhaps fewer other words would do."
    else:
        certain = "Fewer words do not turn it." if n > 1 else "One word is enough."
    answers = table(
        ("text", "answer", "score"),
        (_answer_row("as it is", found.before), _answer_row("shortened", found.after)),
    )
    return f"<p>Without {words}, the answer is another one. {certain}</p>{texts}{answers}"


def _answer_row(name: str, prediction: Prediction) -> tuple[str, str, str]:
    labels = ", ".join(map(isolated, prediction.labels)) or "no label"
    highest = f"{isolated(prediction.label)} " if prediction.labels != (prediction.label,) else ""
    return name, labels, f"{bar(prediction.score)}{highest}{prediction.score:.4f}"


def _struck(piece: Piece) -> str:
    shown = safe(piece.text)
    return shown if piece.word is None else f"<del>{shown}</del>"
