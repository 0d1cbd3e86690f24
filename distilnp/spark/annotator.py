"""The names that `from sparknlp.annotator import *` gives, for pipelines of distilnp."""

from .sentence_detector import SentenceDetector
from .sequence_classifier import DistilBertForSequenceClassification
from .tokenizer import Tokenizer

__all__ = ["DistilBertForSequenceClassification", "SentenceDetector", "Tokenizer"]
