"""Tests that build or compile kernels run only where Numba can compile."""

from distilnp.native.loader import no_numba

collect_ignore = ["test_build.py", "test_object_code.py"] if no_numba() else []
