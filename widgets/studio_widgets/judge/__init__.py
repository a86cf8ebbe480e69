"""Judging blind: which of two is better, and what follows from all that was said."""
