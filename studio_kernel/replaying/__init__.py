"""Making a recorded result again, and saying whether it came out the same and which recorded input is another now.

`source` finds what is to be repeated, in a run, a file or a provenance; `replay` runs it and compares; `report` says
what came of it.
"""

from studio_kernel.replaying.replay import replay
from studio_kernel.replaying.report import ReplayReport, Tolerance

__all__ = ["ReplayReport", "Tolerance", "replay"]
