"""The names that `from sparknlp.base import *` gives, for pipelines of distilnp."""

from pyspark.ml import Pipeline, PipelineModel

from .annotation import Annotation
from .document_assembler import DocumentAssembler
from .finisher import Finisher
from .light_pipeline import LightPipeline

__all__ = ["Annotation", "DocumentAssembler", "Finisher", "LightPipeline", "Pipeline", "PipelineModel"]
