"""Many pictures of one form: batches, each with a seed of its own."""
