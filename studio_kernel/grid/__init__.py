"""The pictures of a sweep by its axes: as a figure, as a page, as a film.

`cells` says what stands in a place, `layout` which axes go where, `labels` what is written beside them, `geometry` and
`drawing` make the matplotlib figure, `page` the folder of HTML, `film` the animation; `grid` joins them.
"""
