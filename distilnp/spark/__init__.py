"""distilnp on Spark: a column of text in, a column of predictions out.

`classify` and `DistilnpClassifier` are for new code. `base` and `annotator` have the stages of Spark NLP by
their names, so that its pipelines run with other imports. `work` is what the stages do with rows, without
Spark; `worker` brings it to Spark's Python workers, and `model_files` the model.
"""

try:
    import pandas  # noqa: F401
    import pyarrow  # noqa: F401
    import pyspark  # noqa: F401
except ImportError as error:
    raise ImportError(
        f'{error}. distilnp.spark needs packages that an extra brings: pip install "distilnp[spark]"'
    ) from error

from .classifier_stage import DistilnpClassifier, classify

__all__ = ["DistilnpClassifier", "classify"]
