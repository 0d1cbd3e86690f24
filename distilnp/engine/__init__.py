"""The model, to run: packed weights, ragged batches, and a table of steps that all threads share.

Begin with `layers`: it is the reference pass, written for the kernels. `choice` decides which engine a model
gets.
"""
