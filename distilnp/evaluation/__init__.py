"""How good the answers are: true labels beside predictions, and figures of both.

`truth` says what a value in a column of labels means. `single_label`, `multi_label` and `regression` each
record the answers of one kind of model, and compute its figures; `base` has what they share. `comparison` is
about two models, `coverage` about abstaining, and `run` measures texts in memory. scikit-learn and scipy
compute in `measures`, which is imported late.
`pictures` draws the figures, and `svg` is what it draws with.
"""
