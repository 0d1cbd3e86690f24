"""`LightPipeline`: the stages of a pipeline on a few texts, in this process, without a Spark session."""

from collections.abc import Iterable, Sequence
from typing import Any, overload

from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame

from ..errors import ArgumentError, InputTypeError
from ..foreign import shown
from .annotation import Annotation
from .annotator_stage import Annotator
from .document_assembler import DocumentAssembler
from .finisher import Finisher

Annotations = dict[str, list[Annotation]]


class LightPipeline:
    """Annotates texts with the stages of a pipeline, without Spark.

    Parameters
    ----------
    pipelineModel : PipelineModel or sequence of stages
        What `Pipeline.fit` returned, or the stages themselves, which need no Spark session.
    parse_embeddings : bool, optional
        Accepted, as in Spark NLP; no annotation here has embeddings.

    Raises
    ------
    ArgumentError
        A stage cannot run without Spark.

    Examples
    --------
    >>> from distilnp.spark.base import DocumentAssembler, LightPipeline
    >>> from distilnp.spark.annotator import DistilBertForSequenceClassification
    >>> light = LightPipeline([
    ...     DocumentAssembler().setInputCol("text").setOutputCol("document"),
    ...     DistilBertForSequenceClassification.pretrained("sst2-mini")
    ...     .setInputCols("document").setOutputCol("class"),
    ... ])
    >>> light.annotate("I really liked that movie!")["class"]
    ['POSITIVE']
    """

    def __init__(self, pipelineModel: Any, parse_embeddings: bool = False) -> None:
        self.pipeline_model = pipelineModel
        self._stages: Sequence[Any] = getattr(pipelineModel, "stages", pipelineModel)
        self._ignores_unsupported = False
        if not isinstance(self._stages, Iterable):
            raise InputTypeError(
                f"pipelineModel is {type(pipelineModel).__name__}, expected a PipelineModel, as Pipeline.fit "
                "returns it, or a list of stages"
            )

    def fullAnnotate(self, target: str | Sequence[str], optional_target: str = "") -> list[Annotations]:
        """Annotate texts.

        Parameters
        ----------
        target : str or list of str
        optional_target : str, optional
            A second text, for annotators that answer questions; there are none here.

        Returns
        -------
        list of dict of str to list of Annotation
            For each text, the annotations in each column.

        Raises
        ------
        InputTypeError
            Something is not a text.
        ArgumentError
            A stage cannot run without Spark, or reads a column that no stage before it makes.
        """
        if optional_target:
            raise ArgumentError("optional_target is set, expected none: no stage here reads two texts")
        texts = [target] if isinstance(target, str) else target
        if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
            raise InputTypeError(f"target is {shown(target, 60)}, expected a str or a list of str")
        columns: dict[str, list[list[Annotation]]] = {}
        types: dict[str, str] = {}
        for stage in self._stages:
            if isinstance(stage, DocumentAssembler):
                output = stage.getOrDefault("outputCol")
                columns[output] = [stage.assemble(text) for text in texts]
                types[output] = "document"
            elif isinstance(stage, Annotator):
                names, output = stage.named_columns()
                self._check_columns(stage, names, columns)
                column = stage.input_column({name: types[name] for name in names})
                columns[output] = stage.work()(columns[column])
                types[output] = stage.OUTPUT_TYPE
            elif isinstance(stage, Finisher):
                names = stage.getParamValue("inputCols") or []
                self._check_columns(stage, names, columns)
                columns = {name: columns[name] for name in names}
            elif not self._ignores_unsupported:
                raise ArgumentError(
                    f"{type(stage).__name__} cannot run in a LightPipeline, expected a stage of "
                    "distilnp.spark. Use the pipeline itself, or skip the stage: setIgnoreUnsupported(True)"
                )
        return [{name: rows[i] for name, rows in columns.items()} for i in range(len(texts))]

    # A str is a sequence of str too. Type checkers take the first overload that fits, and so do we.
    @overload
    def annotate(  # type: ignore[overload-overlap]
        self, target: str, optional_target: str = ""
    ) -> dict[str, list[str]]: ...
    @overload
    def annotate(self, target: Sequence[str], optional_target: str = "") -> list[dict[str, list[str]]]: ...

    def annotate(self, target: Any, optional_target: str = "") -> Any:
        """Annotate texts, and return only the results of the annotations.

        Parameters
        ----------
        target, optional_target
            See `fullAnnotate`.

        Returns
        -------
        dict of str to list of str, or list of them
            One for a `str`; otherwise a list.

        Raises
        ------
        InputTypeError, ArgumentError
            See `fullAnnotate`.
        """
        results = [
            {name: [annotation.result for annotation in row] for name, row in annotations.items()}
            for annotations in self.fullAnnotate(target, optional_target)
        ]
        return results[0] if isinstance(target, str) else results

    def transform(self, dataframe: DataFrame) -> DataFrame:
        """Apply the pipeline itself, with Spark."""
        return PipelineModel([*self._stages]).transform(dataframe)

    def setIgnoreUnsupported(self, value: bool) -> "LightPipeline":
        """Set whether stages that cannot run here are skipped."""
        self._ignores_unsupported = value
        return self

    def getIgnoreUnsupported(self) -> bool:
        """Return whether stages that cannot run here are skipped."""
        return self._ignores_unsupported

    def _check_columns(self, stage: Any, names: list[str], columns: dict[str, Any]) -> None:
        for name in names:
            if name not in columns:
                known = ", ".join(map(shown, columns)) or "none"
                raise ArgumentError(
                    f"inputCols of {type(stage).__name__} is {shown(names)}, and no stage before it makes "
                    f"{shown(name)}. The columns are {known}"
                )
