"""`python -m distilnp`: the command line, which is in `cli`."""

import sys

from .cli import main

sys.exit(main())
