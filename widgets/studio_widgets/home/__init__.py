"""What there is in a home, and where to go."""
