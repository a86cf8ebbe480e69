"""The run log: what was asked for, what came of it, and what people say about it.

Every process appends to a journal of its own; that append is the commit. Whoever gets the lock folds new journal
bytes into two DuckDB files: ``live.duckdb``, which all reading here uses, and ``runs.duckdb``, which is for people
and their tools. `RunLog` joins these parts. Nothing outside this package opens a ``.duckdb`` file.

DuckDB and pandas load with the first question, not with this package.
"""

from studio_kernel.runlog.health import Health
from studio_kernel.runlog.queries.costs import CostRow
from studio_kernel.runlog.queries.facets import Facets
from studio_kernel.runlog.queries.filters import Cursor, RunFilter
from studio_kernel.runlog.queries.ordering import Order
from studio_kernel.runlog.queries.sweeps import SweepContents, SweepRecord
from studio_kernel.runlog.queries.timings import PastRun, RunKind, Timings
from studio_kernel.runlog.store import RunLog, new_run_id
from studio_kernel.runlog.tail import QueueTail, SpendingTail, Tail

__all__ = [
    "CostRow",
    "Cursor",
    "Facets",
    "Health",
    "Order",
    "PastRun",
    "QueueTail",
    "RunFilter",
    "RunKind",
    "RunLog",
    "SpendingTail",
    "SweepContents",
    "SweepRecord",
    "Tail",
    "Timings",
    "new_run_id",
]
