"""One picture at a time: a form made from the model's parameters, progress, and the result."""
