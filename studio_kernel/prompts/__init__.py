"""Prompts that stand for several texts: alternatives ``{a|b}``, wildcards ``__name__``, the prompt matrix.

Pure: wildcards come in as a mapping from names to texts, and chance as a seed. `template` says what the marks mean.
"""
