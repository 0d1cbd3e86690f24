"""The model to read, in NumPy only.

`reference` is the forward pass, `params` the table of the parameters, `config` the sizes, and `erf` the one
function that NumPy lacks. Start with `reference`.
"""
