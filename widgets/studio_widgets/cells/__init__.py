"""A table of pictures with labelled rows and columns, as batches and sweeps show them."""
