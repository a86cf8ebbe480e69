"""Giving a file to a parameter: choosing, dropping, pasting, or taking the result of a run."""
