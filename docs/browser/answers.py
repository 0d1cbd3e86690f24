"""Python's side of the page: worker.js sets `model`, runs this file, and calls `tokens` and `answer`."""

import json
import os
import platform
import time

# The compiled kernels have no build for a browser. Asking for NumPy keeps distilnp from saying so.
os.environ["DISTILNP_KERNELS"] = "numpy"

import numpy

import distilnp

classifier = distilnp.load(model)  # noqa: F821 (worker.js sets it)
about = (
    f"{model}; distilnp {distilnp.__version__}, "  # noqa: F821
    f"NumPy {numpy.__version__}, Python {platform.python_version()}"
)


def tokens(text):
    """Return the tokens of a text with their ids, and how many of them the model sees, as JSON."""
    encoding = classifier.tokenizer.encode(text)
    pairs = list(zip(encoding.tokens, encoding.ids, strict=True))
    return json.dumps({"tokens": pairs, "seen": min(len(pairs), classifier.max_length)})


def answer(text):
    """Return the label of a text, every label's score, and the milliseconds that it took, as JSON."""
    start = time.perf_counter()
    prediction = classifier(text)
    ms = 1000 * (time.perf_counter() - start)
    return json.dumps({"label": prediction.label, "scores": prediction.scores, "ms": ms})
