"""The rungs of the matrix product, C = A B^T, one file each; `rungs.py` has their order."""
