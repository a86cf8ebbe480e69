"""Measurements of what docs/architecture.md promises; ``make bench`` runs them all.

Each module prints a figure, the bound it is held to, and whether it holds. Figures that compare are ratios taken in one
process, since machines differ and drift.
"""
