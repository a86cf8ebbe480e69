"""How long a text is, beside the field that it is typed in."""
