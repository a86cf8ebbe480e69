"""Numbers of pictures: what a picture is like, and how close two of them are.

Pictures in, numbers out; nothing here knows of runs, sweeps or files of a home. `registry` lists every metric by name,
`pictures` measures one picture, `pairs` compares two, `arrays` says how a picture becomes numbers.
"""
