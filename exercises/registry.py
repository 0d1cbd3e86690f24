"""All exercises, in the order of the list. A further one is one entry in the file of its part."""

from . import kernels, model, text
from .exercise import Exercise

EXERCISES: dict[str, Exercise] = {
    exercise.name: exercise for part in (model, text, kernels) for exercise in part.EXERCISES
}
