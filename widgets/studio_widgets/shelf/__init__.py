"""A row of things with small pictures, each of which can be opened."""
