"""A row of tabs, each with a name and a number."""
