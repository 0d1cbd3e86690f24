"""The page that takes a reader through the model for one text: one HTML file, without a network.

`document` puts the page together. `walk` writes what happened in the model, step by step, and `reasons` what
the answer comes from. `elements` has what both write with. `excerpts` finds the lines of code beside the
steps, `formulas` are the formulas beside them, and `masks` packs numbers into pictures. The prose is in
`page.html`, the looks in `page.css`, and pointing and choosing in `page.js`.
"""
