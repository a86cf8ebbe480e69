"""What the axes of a sweep do to a number: statistics on tables, tables out.

`estimates` has effects and interactions, `influence` says which axis moved the result most, `plots` draws them,
`design` sorts the rows of a table into blocks. Nothing here knows pictures, runs or homes.
"""

CONFIDENCE = 0.95
"""Of intervals, unless another is asked for."""
MAX_PAIRS = 200
"""So many pairs of cells are compared for each axis, unless more are asked for."""
