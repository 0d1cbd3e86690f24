"""Which model answered: a fingerprint of everything that an answer depends on, for logs and audits."""

import json
from dataclasses import asdict, fields
from hashlib import sha256
from typing import Any

from .engine.engine import Engine
from .reading import Reading
from .scoring import Scoring


def fingerprint(reading: Reading, engine: Engine, scoring: Scoring) -> str:
    """Return the SHA-256 of a classifier: of its parameters, its arithmetic, its tokenizer and its settings.

    The number of threads, the kernels and the form in which the weights are stored are not part of it: they
    change no answer of the compiled engine.
    """
    settings = {
        "weights": engine.weights_sha256,
        "precision": engine.precision,
        "config": asdict(engine.config),
        "tokenizer": sha256(repr(reading.tokenizer.settings).encode()).hexdigest(),
        "reading": reading_settings(reading),
        "scoring": asdict(scoring),
    }
    return sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def reading_settings(reading: Reading) -> dict[str, Any]:
    """Return how texts are read, without the tokenizer."""
    names = (field.name for field in fields(reading) if field.name != "tokenizer")
    return {name: getattr(reading, name) for name in names}
