"""Training of the small text-to-image model from drawings made by this package itself."""
