"""Runs beside each other: what differs in their settings, conditions and pixels, as tables, pictures and HTML.

`comparison` is what `Studio.compare` returns, `tables` makes its pandas tables, `drawing` its figure, `page` the HTML
of notebooks and panels.
What differs is found in `domain.difference`, pictures are measured in `metrics`.
"""
