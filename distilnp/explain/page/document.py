"""Put the page together: the prose of `page.html`, with what happened to one text in its gaps."""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template

from ...choices import ExplainMethod, FunctionToApply
from ...model.config import DistilBertConfig
from ...scoring import Scoring
from ...version import __version__
from ..counterfactual import Counterfactual
from ..explanation import Explanation
from ..fragment import safe
from ..trace import Trace
from . import formulas, reasons, walk
from .elements import counted, isolated, passage
from .excerpts import code

# How logits become scores.
SCORES: dict[FunctionToApply, str] = {
    "softmax": "Softmax makes scores of the logits: positive numbers that add up to 1.",
    "sigmoid": "Each label may apply or not, whatever the others do. So a sigmoid makes a score of each "
    "logit.",
    "none": "The logits are the answer.",
}

# The functions of the reference that the page shows, by their names in the template.
SHOWN = (
    "embed",
    "layer_norm",
    "self_attention",
    "softmax",
    "transformer_block",
    "feed_forward",
    "head",
    "linear",
)

# The height of the page in a notebook, where it has a frame of its own.
FRAME_HEIGHT = 800


class Page(str):
    """A page as the text of an HTML file, which a notebook shows in a frame."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{escape(self)}" sandbox="allow-scripts" title="Inside the model" width="100%" '
            f'height="{FRAME_HEIGHT}" style="border:0"></iframe>'
        )


def page(
    trace: Trace,
    explanations: Sequence[Explanation],
    counterfactual: Counterfactual | None,
    config: DistilBertConfig,
    scoring: Scoring,
    *,
    first: ExplainMethod,
) -> Page:
    """Return the page about one text.

    Parameters
    ----------
    trace : Trace
        What happened in the model.
    explanations : sequence of Explanation
        What the answer comes from, by each method.
    counterfactual : Counterfactual or None
        What would turn the answer, if anything was found.
    config : DistilBertConfig
        The sizes of the model.
    scoring : Scoring
        How logits become scores.
    first : ExplainMethod
        The method of the explanation that is shown before the reader chooses another one.
    """
    prediction, words = explanations[0].prediction, explanations[0].words
    shown = walk.cut(trace)
    # The policy names the script by the hash of what stands between its tags.
    script, style = _template("page.js"), _template("page.css")
    function, temperature = scoring.function_to_apply, scoring.temperature
    divided = f" They are divided by the temperature {temperature:g} first." if temperature != 1 else ""
    return Page(
        Template(_template("page.html")).substitute(
            script_hash=b64encode(sha256(script.encode()).digest()).decode(),
            script=script,
            style=style,
            version=__version__,
            texts="".join(passage(safe(text)) for text in trace.texts),
            answer=_answer(prediction.label, prediction.labels, prediction.score),
            layers=counted(config.n_layers, "layer"),
            n_heads=counted(config.n_heads, "head"),
            dim=config.dim,
            head_dim=config.dim // config.n_heads,
            hidden_dim=config.hidden_dim,
            vocab_size=f"{config.vocab_size:,}",
            n_seq=len(trace.tokens),
            activation=formulas.ACTIVATIONS.get(config.activation, config.activation),
            tokens=walk.tokens(trace, words),
            about_tokens=walk.about_tokens(trace, words, prediction.n_tokens),
            vectors=walk.vectors(trace),
            heads=walk.heads(trace, shown),
            sentence=walk.sentence(trace, shown),
            about_cut=walk.about_cut(shown),
            attention_data=walk.attention_data(shown),
            additions=walk.additions(trace),
            lens=walk.lens(trace),
            answers=walk.answer(trace, prediction.scores, function),
            scores=SCORES[function] + divided,
            methods=reasons.methods(explanations, first),
            turned=reasons.turned(counterfactual, has_choice=scoring.has_choice),
            intermediates=walk.intermediates(trace),
            n_intermediates=len(trace),
            formula_embed=formulas.EMBED,
            formula_layer_norm=formulas.LAYER_NORM,
            formula_attention=formulas.ATTENTION,
            formula_block=formulas.BLOCK,
            formula_feed_forward=formulas.feed_forward(config.activation),
            formula_head=formulas.HEAD,
            code_activation=code("model/reference.py", config.activation),
            code_lens=code("explain/trace.py", "logit_lens"),
            **{f"code_{name}": code("model/reference.py", name) for name in SHOWN},
        )
    )


def _answer(label: str, labels: Sequence[str], score: float) -> str:
    """Return the answer in large letters: the label, or all that apply, and a score."""
    names = ", ".join(map(isolated, labels)) or f"{isolated(label)} at most"
    return f'<strong>{names}</strong> <span class="score">{score:.4f}</span>'


def _template(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
