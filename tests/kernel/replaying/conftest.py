from engine_fixtures import tiny_random

__all__ = ["tiny_random"]
