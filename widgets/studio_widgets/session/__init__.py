"""The newest results, in a row: to look at, to load, to drag onto an input."""
