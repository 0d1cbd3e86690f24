"""What a prediction offers to programs, people, notebooks and web services."""

import json

import numpy as np
import pytest
from support.predictions import part, predict

from distilnp import Part, Prediction

LABELS = ("<no>", "yes")


def whole() -> Prediction:
    """Return a prediction with a window in a sentence."""
    from dataclasses import replace

    logits = np.array([1.0, 2.0], np.float32)
    plain = predict(logits, LABELS, "softmax", n_tokens=600, n_seen=512)
    window = part(plain, 0, 4, 2)
    return replace(plain, sentences=(part(replace(plain, windows=(window,)), 0, 9, 4),))


def test_the_full_dict_has_every_attribute_and_survives_json() -> None:
    prediction = whole()

    values = json.loads(prediction.to_json())

    assert values == prediction.as_dict(full=True)
    assert {"label", "score", "labels", "scores", "logits", "n_tokens", "n_seen"} <= set(values)
    assert {"truncated", "is_empty"} <= set(values)
    assert values["logits"] == prediction.logits.tolist()
    (sentence,) = values["sentences"]
    assert (sentence["start"], sentence["end"], sentence["n_new"]) == (0, 9, 4)
    assert sentence["windows"][0]["label"] == "yes"


def test_an_attribute_goes_by_its_name_like_a_key() -> None:
    prediction = whole()

    assert prediction["label"] == prediction.label
    assert prediction["truncated"] is True
    assert prediction.sentences[0]["start"] == 0
    with pytest.raises(KeyError, match="as_dict"):
        prediction["as_dict"]


def test_the_representation_is_short() -> None:
    assert repr(whole()) == "Prediction('yes', 0.7311, 512 of 600 tokens)"
    assert repr(whole().sentences[0]).startswith("Part('yes', 0.7311, ")


def test_a_label_cannot_put_markup_into_a_notebook() -> None:
    markup = whole()._repr_html_()

    assert "&lt;no&gt;" in markup
    assert "<no>" not in markup


def test_a_web_service_returns_and_declares_predictions() -> None:
    fastapi = pytest.importorskip("fastapi")
    pytest.importorskip("httpx")
    from fastapi.testclient import TestClient

    app = fastapi.FastAPI()
    app.get("/one", response_model=Prediction)(whole)
    app.get("/parts", response_model=list[Part])(lambda: list(whole().sentences))
    client = TestClient(app)

    assert client.get("/one").json() == whole().as_dict(full=True)
    assert client.get("/parts").json() == [whole().sentences[0].as_dict(full=True)]
    schema = client.get("/openapi.json").json()
    assert "truncated" in json.dumps(schema["paths"]["/one"])
