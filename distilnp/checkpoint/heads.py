"""The DistilBERTs that are no text classifiers: how to tell them, and what to call them."""

from collections.abc import Iterable

ARCHITECTURE = "DistilBertForSequenceClassification"

# What others are, by the name that transformers gives them.
OTHERS = {
    "DistilBertModel": "a base model without a head (pre_classifier and classifier, each with "
    "weight and bias, are missing)",
    "DistilBertForMaskedLM": "a model that fills in masked words, without the head of a classifier "
    "(pre_classifier and classifier, each with weight and bias, are missing)",
    "DistilBertForTokenClassification": "a classifier of tokens, not of texts (pre_classifier is missing)",
    "DistilBertForQuestionAnswering": "a model that finds answers in a text (pre_classifier and classifier "
    "are missing)",
    "DistilBertForMultipleChoice": "a model that chooses between texts",
}

# Modules that only one of them has.
OF_ONE = {
    "vocab_transform": "DistilBertForMaskedLM",
    "vocab_projector": "DistilBertForMaskedLM",
    "qa_outputs": "DistilBertForQuestionAnswering",
}


def described(architecture: str) -> str:
    """Return the name of an architecture and what it is."""
    return f"{architecture}, {OTHERS[architecture]}" if architecture in OTHERS else architecture


def head_of(names: Iterable[str]) -> str | None:
    """Return what holds tensors of these names if it is another DistilBERT, and None if it is none of them.

    `config.json` need not say it: its `architectures` may be missing, or those of what was trained before.
    """
    modules = {name.split(".")[0] for name in names}
    if "pre_classifier" in modules or not modules & {"distilbert", "embeddings"}:
        return None
    for module, architecture in OF_ONE.items():
        if module in modules:
            return described(architecture)
    return described("DistilBertForTokenClassification" if "classifier" in modules else "DistilBertModel")
