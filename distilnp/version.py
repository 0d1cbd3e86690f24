"""The version of distilnp, for messages, answers and the command."""

__version__ = "0.1.0"
