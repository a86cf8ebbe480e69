"""Notes inside files of every kind that can hold them: a module a container, `add` and `find` in each.

`add` returns the bytes with the notes in them and raises `OddFileError`, or what indexing past an end raises, for a
file that it does not understand in full; `find` returns our JSON, or `None`. Only boxes, chunks and tags are written:
pictures, frames and samples are copied as they are, never decoded, and nothing that names a place in the file is
moved from under its name. There are no times and no random ids in what is written.

Others read the text beside the JSON: in the places that the module of each container names.
"""
