"""``python -m studio_kernel.runlog > docs/reference/run-log.md`` writes the reference page again."""

import sys

from studio_kernel.runlog.reference import page

if __name__ == "__main__":
    sys.stdout.write(page())
