"""The kernel side of the studio workbench: generate, sweep, compare, and query every run."""

__version__ = "0.1.0"
