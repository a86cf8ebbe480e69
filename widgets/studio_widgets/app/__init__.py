"""All panels together in one: project bar, form, and what there is beside it in tabs."""
