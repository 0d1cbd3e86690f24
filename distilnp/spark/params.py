"""Params of the stages, and their setters and getters under the names that Spark NLP gives them."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, TypeVar, get_args

from pyspark.ml.param import Param, Params
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable

from ..errors import ArgumentError, InputTypeError
from ..foreign import shown

Stage = TypeVar("Stage", bound=type)

# What a value of each kind has to be. A bool is a number for Python, and not for a user.
_ACCEPTS: dict[type, Callable[[Any], bool]] = {
    str: lambda value: isinstance(value, str),
    bool: lambda value: isinstance(value, bool),
    int: lambda value: isinstance(value, Integral) and not isinstance(value, bool),
    float: lambda value: isinstance(value, Real) and not isinstance(value, bool),
    list: lambda value: isinstance(value, list | tuple) and all(isinstance(item, str) for item in value),
}


@dataclass(frozen=True)
class Declared:
    """A Param of a stage, until the class has given it a name."""

    kind: type
    doc: str

    def named(self, name: str) -> "Param[Any]":
        """Return the Param."""

        # Not pyspark's `TypeConverters`, which fail with NumPy 2 in Spark 3.5.
        def checked(value: Any) -> Any:
            if not _ACCEPTS[self.kind](value):
                expected = "a list of str" if self.kind is list else self.kind.__name__
                raise InputTypeError(f"{name} is {shown(value)}, expected {expected}")
            return self.kind(value)

        return Param(Params._dummy(), name, self.doc, checked)


def declared(kind: type, doc: str) -> Any:
    """Declare a Param, as an attribute of the class of a stage that `with_params` decorates.

    Parameters
    ----------
    kind : type
        str, bool, int, float, or list for a list of str.
    doc : str
        What it is, for `explainParams` and the docstrings of its setter and getter.
    """
    return Declared(kind, doc)


def with_params(stage: Stage) -> Stage:
    """Make the Params that a class declares, with a setter and a getter for each that has none."""
    for name, value in [*vars(stage).items()]:
        if isinstance(value, Declared):
            setattr(stage, name, value.named(name))
            capital = name[:1].upper() + name[1:]
            for accessor in (_setter(name, capital, value.doc), _getter(name, capital, value.doc)):
                if not hasattr(stage, accessor.__name__):
                    accessor.__qualname__ = f"{stage.__qualname__}.{accessor.__name__}"
                    setattr(stage, accessor.__name__, accessor)
    return stage


def _setter(name: str, capital: str, doc: str) -> Callable[..., Any]:
    def setter(self: Any, value: Any) -> Any:
        return self.setParamValue(name, value)

    setter.__name__ = f"set{capital}"
    setter.__doc__ = f"Set {name}: {doc}."
    return setter


def _getter(name: str, capital: str, doc: str) -> Callable[..., Any]:
    def getter(self: Any) -> Any:
        return self.getParamValue(name)

    getter.__name__ = f"get{capital}"
    getter.__doc__ = f"Return {name}: {doc}."
    return getter


class StageParams(Params, DefaultParamsReadable[Any], DefaultParamsWritable):
    """What every stage has: Params that are checked when they are set, and persistence.

    Attributes
    ----------
    UNUSED : dict of str to str
        The Params that are accepted because Spark NLP has them, and why they change nothing here.
    """

    UNUSED: ClassVar[dict[str, str]] = {}

    def setParamValue(self, paramName: str, value: Any) -> Any:
        """Set the Param called `paramName`, and return the stage.

        Raises
        ------
        InputTypeError, ArgumentError
            It cannot have this value.
        """
        # Here and not only in `_set`, which raises another type of error.
        value = self.getParam(paramName).typeConverter(value)
        self.check_param(paramName, value)
        self._set(**{paramName: value})
        if reason := self.UNUSED.get(paramName):
            warnings.warn(f"{paramName} of {type(self).__name__} has no effect: {reason}", stacklevel=3)
        return self

    def getParamValue(self, paramName: str) -> Any:
        """Return the value of the Param called `paramName`, its default, or None if it has neither."""
        declared = self.getParam(paramName)
        return self.getOrDefault(declared) if self.isDefined(declared) else None

    def setParams(self, **values: Any) -> Any:
        """Set several Params by their names, and return the stage."""
        for name, value in values.items():
            if not self.hasParam(name):
                known = ", ".join(declared.name for declared in self.params)
                raise InputTypeError(
                    f"{type(self).__name__} has no Param {shown(name)}, expected one of {known}"
                )
            getattr(self, f"set{name[:1].upper()}{name[1:]}")(value)
        return self

    @property
    def getter_attrs(self) -> list[str]:
        """The names of the Params, as Spark NLP lists them."""
        return [declared.name for declared in self.params]

    def check_param(self, name: str, value: Any) -> None:
        """Raise an `ArgumentError` if a Param cannot have this value, whatever the other Params are."""


def expect_one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise an `ArgumentError` if a value is not allowed."""
    if value not in allowed:
        raise ArgumentError(f"{name} is {shown(value)}, expected one of {', '.join(map(repr, allowed))}")


def expect_choice(name: str, value: object, choice: Any) -> None:
    """Raise an `ArgumentError` if a value is not one of a `Literal` of `choices`."""
    expect_one_of(name, value, get_args(choice))


def expect_at_least(name: str, value: int, least: int) -> None:
    """Raise an `ArgumentError` if a number is too small."""
    if value < least:
        raise ArgumentError(f"{name} is {shown(value)}, expected an integer of at least {least}")


def strings(name: str, value: tuple[Any, ...]) -> list[str]:
    """Return the strings that a setter was given, one by one or as a list."""
    given = list(value[0]) if len(value) == 1 and isinstance(value[0], list | tuple) else list(value)
    if not all(isinstance(item, str) for item in given):
        raise InputTypeError(f"{name} is {shown(given)}, expected names of columns")
    return given
