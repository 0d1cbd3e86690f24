"""The command line, as `python -m distilnp`."""

import sys

from .cli import main

sys.exit(main())
