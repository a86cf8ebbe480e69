"""Shows one picture, clip or sound, with a text for those who cannot see it."""
