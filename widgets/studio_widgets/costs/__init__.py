"""What was spent, on what, and what is left of the budgets."""
