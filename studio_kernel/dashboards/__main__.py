"""``python -m studio_kernel.dashboards``."""

import sys

from studio_kernel.dashboards.launch import main

sys.exit(main())
