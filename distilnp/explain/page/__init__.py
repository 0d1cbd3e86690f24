"""The page that takes a reader through the model for one text: one file of HTML that asks nobody for anything.

`document` puts the page together. `walk` writes what happened in the model, step by step, and `reasons` what
the answer comes from. `excerpts` finds the lines of code beside the steps, and `masks` packs numbers into
pictures. The prose is in `page.html`, the looks in `page.css`, and pointing and choosing in `page.js`.
"""
