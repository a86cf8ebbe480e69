"""What a run would take, beside the form that asks for it."""
