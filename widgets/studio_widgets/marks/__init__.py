"""What people say about a run: a favourite button and one to five stars."""
