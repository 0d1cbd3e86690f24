"""The model to run: packed weights, ragged batches, and the steps that all threads share.

Begin with `layers.py`: it is the reference pass, written for the kernels.
"""
