"""normalize: rewrite a text in the spelling that the vocabulary uses."""

from distilnp.tokenizer.characters import ACCENTS, CHINESE, LOWERCASE, REMOVED, WHITESPACE, decompose


def normalize(text: str) -> str:
    r"""Rewrite a text in the spelling of a lower-case vocabulary.

    1. Drop the characters in `REMOVED`; replace each one in `WHITESPACE` by a space.
    2. Put a space before and after each character in `CHINESE`.
    3. Replace each character by `decompose(character)`, then drop those in `ACCENTS`: "é" becomes "e" and an
       acute accent, and the accent goes.
    4. Lower each character: `LOWERCASE.get(character, character)`.

    >>> normalize("Crème\tBRÛLÉE")
    'creme brulee'
    >>> normalize("我A")
    ' 我 a'
    """
    raise NotImplementedError
