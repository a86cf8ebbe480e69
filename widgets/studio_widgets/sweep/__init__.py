"""Sweeps: axes built from the form, the plan before, the grid after."""
