"""Choosing a model: search, filters, a list of cards."""
