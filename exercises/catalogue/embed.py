"""The exercise embed: turn ids into vectors that say which token it is and where it stands."""

from typing import Any

import numpy as np

from distilnp.model import reference
from distilnp.model.params import Array, Embeddings

from ..exercise import Exercise, mistake
from ..small_model import of_models


def embed(
    ids: Any,
    embeddings: Embeddings,
    record: reference.Record,
    *,
    position: str = "0, 1, 2, ...",
    normalizes: str = "sum",
) -> Array:
    """Embed tokens, with switches."""
    table, n_seq = embeddings.position_embeddings, len(ids)
    words = embeddings.word_embeddings[np.asarray(ids)]
    rows = {
        "0, 1, 2, ...": table[:n_seq],
        "1, 2, 3, ...": table[1 : n_seq + 1],
        "ids": table[np.asarray(ids) % len(table)],
        "0": table[:1],
        "reversed": table[:n_seq][::-1],
        "none": 0 * table[:n_seq],
    }
    positions = rows[position]
    if normalizes == "sum":
        x = reference.layer_norm(words + positions, embeddings.LayerNorm)
    elif normalizes == "words":
        x = reference.layer_norm(words, embeddings.LayerNorm) + positions
    else:
        x = words + positions
    record(word_embeddings=words, position_embeddings=positions, LayerNorm=x)
    return x


MISTAKES = (
    mistake(
        "with positions from 1",
        "positions are counted from 0: position_embeddings[:n_seq]",
        position="1, 2, 3, ...",
    ),
    mistake(
        "with the ids as positions",
        "a position is where the token stands, whatever its id is",
        position="ids",
    ),
    mistake("with position 0 for every token", "take the first n_seq rows, one for each token", position="0"),
    mistake("with the positions backwards", "the first token has position 0", position="reversed"),
    mistake("without positions", "add position_embeddings[:n_seq]", position="none"),
    mistake("without LayerNorm", "normalize the sum, with embeddings.LayerNorm", normalizes="nothing"),
    mistake("with LayerNorm before the positions are added", "add first, then normalize", normalizes="words"),
)
AXES = {
    "result": ("token", "dim"),
    "word_embeddings": ("token", "dim"),
    "position_embeddings": ("token", "dim"),
    "LayerNorm": ("token", "dim"),
}

EXERCISE = Exercise(
    name="embed",
    part="the forward pass",
    minutes=6,
    summary="turn ids into vectors that say which token it is and where it stands",
    function="embed",
    package="distilnp/model/reference.py",
    solution=reference.embed,
    variant=embed,
    mistakes=MISTAKES,
    cases=of_models(lambda model: (model.ids, model.params.embeddings)),
    axes=AXES,
    records="record",
)
