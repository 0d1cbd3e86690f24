"""Why this label, and what every layer did: explanations and traces, in NumPy.

`inputs` says which word each id that the model is given comes from. `backward` is the backward pass, to read;
`attributions` has the methods that need it, `left_out` the one that needs none, and `explainer` goes from a
text to an `Explanation`, which has an `Attribution` for each word. `words` adds up tokens to words. `finite`
checks what may overflow. `counterfactual` finds the words without which the answer is another one. `trace`
keeps every intermediate, and `pictures` draws it. `pieces`, `terminal` and `fragment` show an explanation,
and `page` shows everything about one text.
"""
