"""The formulas of the page, in MathML, which browsers show and screen readers read."""

from ...choices import ExplainMethod

# Activations that papers write in another way than config.json does.
ACTIVATIONS = {"gelu": "GELU", "relu": "ReLU"}


def _name(name: str) -> str:
    """Return a name: a letter is set in italics, a word is not."""
    return f"<mi>{name}</mi>"


def _symbol(symbol: str) -> str:
    return f"<mo>{symbol}</mo>"


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


def _sub(base: str, index: str) -> str:
    return f"<msub>{base}{index}</msub>"


def _sup(base: str, power: str) -> str:
    return f"<msup>{base}{power}</msup>"


def _ratio(above: str, below: str) -> str:
    return f"<mfrac>{above}{below}</mfrac>"


def _root(inside: str) -> str:
    return f"<msqrt>{inside}</msqrt>"


def _call(name: str, *inside: str) -> str:
    return _row(_name(name), _symbol("&#x2061;"), _row(_symbol("("), *inside, _symbol(")")))


def _shown(*lines: str) -> str:
    """Return lines of formulas, one below the other."""
    maths = "".join(f'<math display="block">{line}</math>' for line in lines)
    return f'<div class="formula scroll" tabindex="0" role="group" aria-label="Formula">{maths}</div>'


_EQUALS, _PLUS, _MINUS, _DOT = map(_symbol, ("=", "+", "−", "·"))
_X, _W, _B, _I, _J, _P = map(_name, ("x", "W", "b", "i", "j", "P"))
_LOGIT = _name("logit")
_SLOPE = _ratio(_row(_symbol("∂"), _LOGIT), _row(_symbol("∂"), _sub(_X, _I)))


def _dense(index: str, x: str) -> str:
    return _row(_sub(_W, index), x, _PLUS, _sub(_B, index))


_ONE, _TWO, _ZERO, _POOLED = "<mn>1</mn>", "<mn>2</mn>", "<mn>0</mn>", _name("p")

EMBED = _shown(
    _row(
        _sub(_X, _I),
        _EQUALS,
        _call("LayerNorm", _sub(_W, _sub(_name("id"), _I)), _PLUS, _sub(_P, _I)),
    ),
)

LAYER_NORM = _shown(
    _row(
        _call("LayerNorm", _X),
        _EQUALS,
        _ratio(
            _row(_X, _MINUS, _name("mean")),
            _root(_row(_name("variance"), _PLUS, _name("ε"))),
        ),
        _DOT,
        _name("weight"),
        _PLUS,
        _name("bias"),
    )
)

ATTENTION = _shown(
    _row(
        _call("Attention", _name("Q"), _symbol(","), _name("K"), _symbol(","), _name("V")),
        _EQUALS,
        _call("softmax", _ratio(_row(_name("Q"), _sup(_name("K"), _name("T"))), _root(_name("head_dim")))),
        _name("V"),
    )
)

BLOCK = _shown(
    _row(_name("h"), _EQUALS, _call("LayerNorm", _X, _PLUS, _call("SelfAttention", _X))),
    _row(_name("y"), _EQUALS, _call("LayerNorm", _name("h"), _PLUS, _call("FeedForward", _name("h")))),
)


def feed_forward(activation: str) -> str:
    """Return the formula of the feed-forward network with the activation of a model."""
    return _shown(
        _row(
            _call("FeedForward", _X),
            _EQUALS,
            _sub(_W, _TWO),
            _call(ACTIVATIONS.get(activation, activation), _dense(_ONE, _X)),
            _PLUS,
            _sub(_B, _TWO),
        )
    )


HEAD = _shown(
    _row(
        _name("logits"),
        _EQUALS,
        _W,
        _call("ReLU", _dense(_POOLED, _sub(_X, _ZERO))),
        _PLUS,
        _B,
    )
)

METHOD_FORMULAS: dict[ExplainMethod, str] = {
    "gradient_x_input": _shown(_row(_sub(_name("a"), _I), _EQUALS, _SLOPE, _DOT, _sub(_X, _I))),
    "integrated_gradients": _shown(
        _row(
            _sub(_name("a"), _I),
            _EQUALS,
            _symbol("("),
            _sub(_X, _I),
            _MINUS,
            _sub(_B, _I),
            _symbol(")"),
            _DOT,
            f"<msubsup>{_symbol('∫')}{_ZERO}{_ONE}</msubsup>",
            _SLOPE,
            _symbol("("),
            _B,
            _PLUS,
            _name("t"),
            _symbol("("),
            _X,
            _MINUS,
            _B,
            _symbol(")"),
            _symbol(")"),
            _symbol("d"),
            _name("t"),
        )
    ),
    "leave_one_out": _shown(
        _row(
            _sub(_name("a"), _name("word")),
            _EQUALS,
            _call("logit", "<mtext>text</mtext>"),
            _MINUS,
            _call("logit", "<mtext>text without the word</mtext>"),
        )
    ),
    "attention_rollout": _shown(
        _row(
            _name("R"),
            _EQUALS,
            _sub(_name("A"), _name("L")),
            _symbol("⋯"),
            _sub(_name("A"), _TWO),
            _sub(_name("A"), _ONE),
            "<mspace width='2em'></mspace>",
            _sub(_name("A"), _name("l")),
            _EQUALS,
            _ratio(
                _row("<mtext>mean of the heads’ probabilities</mtext>", _PLUS, _name("I")),
                _TWO,
            ),
        )
    ),
}
