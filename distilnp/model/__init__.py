"""The model, to read: NumPy only.

`reference` is the forward pass, `params` the table of its parameters, `config` the sizes of the model, and
`erf` the one function that NumPy lacks. Begin with `reference`.
"""
