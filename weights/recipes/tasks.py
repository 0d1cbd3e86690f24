"""The tasks that the recipes know, by name: each is a module with its labels, its data and its split."""

from types import ModuleType

import imdb
import sst2

TASKS: dict[str, ModuleType] = {"sst2": sst2, "imdb": imdb}
