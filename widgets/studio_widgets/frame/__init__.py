"""What every panel stands in: the look, keys that stay inside, names for screen readers, a sign of life."""
