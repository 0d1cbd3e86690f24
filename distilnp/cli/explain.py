"""`distilnp explain`: which words of a text its label comes from."""

import json
from argparse import Namespace

from ..explain.counterfactual import Counterfactual
from ..foreign import printable
from ..predictions import Prediction
from .asked import asked_target, asked_text
from .formats import TABLE
from .loading import load_classifier
from .standard_output import settle_look


def explain(options: Namespace) -> None:
    """Run the command with the options that `grammar` parsed."""
    look = settle_look(options.format)
    classifier = load_classifier(options)
    target = asked_target(options, classifier.labels)
    for number, text in enumerate(options.texts):
        given = asked_text(options, text)
        explanation = classifier.explain(given, method=options.method, target=target)
        counterfactual = classifier.counterfactual(given) if options.counterfactual else None
        if look.format != TABLE:
            values = explanation.as_dict(full=True)
            if options.counterfactual:
                values["counterfactual"] = counterfactual and counterfactual.as_dict(full=True)
            print(json.dumps(values, ensure_ascii=False), flush=True)
            continue
        if number:
            print()
        print(explanation.to_text(color=look.has_colours))
        if options.counterfactual:
            print(_sentence(counterfactual), flush=True)


def _sentence(found: Counterfactual | None) -> str:
    if found is None:
        return "No removal of words was found that changes the answer."
    words = ", ".join(printable(word.text) for word in found.words)
    fewest = "No fewer words do that." if found.is_minimal else "Fewer words may do that."
    return f"Without {words}, {_answer(found.after)}. {fewest}"


def _answer(prediction: Prediction) -> str:
    """Return the label that a text gets, or those that apply, as part of a sentence."""
    if not prediction.labels:
        return "no label applies"
    scored = [f"{printable(label)} ({prediction.scores[label]:.4f})" for label in prediction.labels]
    return f"the label is {scored[0]}" if len(scored) == 1 else f"the labels are {', '.join(scored)}"
