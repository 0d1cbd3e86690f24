"""Exercises: write the model yourself, one function at a time, and let a grader say what differs.

`python -m exercises` lists them. `empty/` has a file for each, with the formula and without the body. The
solutions are the package itself. docs/exercises.md has the order.

`exercise` says what an exercise is, `catalogue/` has them, and `registry` lists them. `running` calls the
learner's function, `grading` compares its results, and `messages` writes the report. `small_model` and
`small_vocabulary` have what the functions are tried with; `differences` lets learners check gradients.
"""
