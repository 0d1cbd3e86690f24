"""The full-size sentiment model from the hub, compared with its published outputs."""

import json
import os
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from support.children import environment, run_python, start_python

MODEL = "distilbert_sequence_classifier_sst2"

# The logits were published to four decimals. The float32 of another library adds less than a tenth of that.
LOGIT_TOLERANCE = 1e-4

# Enough for 268 MB over a slow connection.
DOWNLOAD_SECONDS = 1800

# Long enough for a distant hub to answer, and short enough to wait before the test is skipped.
PATIENCE_SECONDS = 3

CLASSIFY = """
import json, sys
import distilnp
classifier = distilnp.load(sys.argv[1])
texts = json.load(sys.stdin)
print(json.dumps([
    {"ids": classifier.tokenizer.encode(text).ids, "logits": p.logits.tolist()} | p.as_dict()
    for text, p in zip(texts, classifier(texts))
]))
"""

IS_CACHED = """
import sys
from distilnp.checkpoint.hub import cached
from distilnp.checkpoint.registry import locate
print(cached(locate(sys.argv[1])) is not None)
"""


def skip_without_the_hub() -> None:
    """Skip the test if the model is not in the cache and the hub cannot be reached."""
    if run_python(IS_CACHED, MODEL).stdout.strip() == "True":
        return
    endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    try:
        with urllib.request.urlopen(endpoint, timeout=PATIENCE_SECONDS):
            pass
    except urllib.error.HTTPError:
        pass  # the hub answers, even if with an error
    except (OSError, ValueError) as error:
        pytest.skip(f"{MODEL} is not in the cache, and {endpoint} cannot be reached: {error}")


@pytest.mark.hub
def test_the_real_model_has_the_published_logits(data: Path) -> None:
    skip_without_the_hub()
    cases = json.loads((data / "goldens" / "distilbert_sst2_published_outputs.json").read_bytes())["cases"]

    with start_python(CLASSIFY, MODEL, env=environment(HF_HUB_OFFLINE="0")) as process:
        texts = json.dumps([case["text"] for case in cases])
        output, errors = process.communicate(texts, timeout=DOWNLOAD_SECONDS)

    assert process.returncode == 0, errors
    for case, ours in zip(cases, json.loads(output), strict=True):
        assert ours["logits"] == pytest.approx(case["logits"], abs=LOGIT_TOLERANCE)
        assert ours["label"] == ("NEGATIVE" if case["logits"][0] > case["logits"][1] else "POSITIVE")
        assert ours["ids"] == case.get("input_ids", ours["ids"])
        assert ours["score"] == pytest.approx(case.get("pipeline_score", ours["score"]), abs=1e-5)
