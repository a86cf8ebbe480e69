"""The history: what was asked for, newest first, and what became of it."""
