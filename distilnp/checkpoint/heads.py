"""The DistilBERTs that are not text classifiers: how to recognise them, and how to describe them."""

from collections.abc import Iterable

ARCHITECTURE = "DistilBertForSequenceClassification"

# The other classes of transformers.
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

# The modules that only one class has.
OF_ONE = {
    "vocab_transform": "DistilBertForMaskedLM",
    "vocab_projector": "DistilBertForMaskedLM",
    "qa_outputs": "DistilBertForQuestionAnswering",
}


def described(architecture: str) -> str:
    """Return the name of an architecture, with a description if it is one of `OTHERS`."""
    return f"{architecture}, {OTHERS[architecture]}" if architecture in OTHERS else architecture


def head_of(names: Iterable[str]) -> str | None:
    """Return a description of the other DistilBERT whose tensors have these names, or None.

    `config.json` is not enough: `architectures` may be missing there, or name the class that the model had
    before it was fine-tuned.
    """
    modules = {name.split(".")[0] for name in names}
    if "pre_classifier" in modules or not modules & {"distilbert", "embeddings"}:
        return None
    for module, architecture in OF_ONE.items():
        if module in modules:
            return described(architecture)
    return described("DistilBertForTokenClassification" if "classifier" in modules else "DistilBertModel")
