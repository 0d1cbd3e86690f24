"""What PyInstaller asks distilnp for: the folder of `hook-distilnp.py`. Nothing else imports this."""

from pathlib import Path


def hook_dirs() -> list[str]:
    """Return the folders that hold hooks."""
    return [str(Path(__file__).parent)]
