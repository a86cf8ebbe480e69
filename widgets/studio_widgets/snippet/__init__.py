"""A piece of code to read and to copy."""
