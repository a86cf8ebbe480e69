"""Train the model that ships, from nothing: ``python data/models/training/train.py --help``."""

from __future__ import annotations

import sys

from picturebook.recipe import main

if __name__ == "__main__":
    sys.exit(main())
