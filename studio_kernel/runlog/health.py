"""How the run log is doing, for those who tell a user."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """How the run log is doing.

    Attributes
    ----------
    pending : int
        Events that are only in memory, because they cannot be written; normally 0.
    journal_error : str or None
        Why they cannot.
    quarantined : int
        Lines of journals that could not be understood; they are in ``journal/bad/``.
    error : str or None
        Why the DuckDB files could not be brought up to date the last time.
    public_is_busy : bool
        Somebody holds ``runs.duckdb`` open for writing; it is brought up to date afterwards.
    newer_events : bool
        A newer studio writes here too; what it wrote is shown after an update of this one.
    network_file_system : str or None
        The kind of network file system the home is on; locks do not hold there.
    """

    pending: int = 0
    journal_error: str | None = None
    quarantined: int = 0
    error: str | None = None
    public_is_busy: bool = False
    newer_events: bool = False
    network_file_system: str | None = None

    @property
    def is_well(self) -> bool:
        """Whether there is nothing to tell a user."""
        return self == Health(public_is_busy=self.public_is_busy)
