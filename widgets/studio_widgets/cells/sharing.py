"""What is shown, given to people elsewhere: its address in the dashboards, or a folder that opens without a server."""

from __future__ import annotations

from pathlib import Path

import traitlets

from studio_kernel.sweeps import SweepRun
from studio_widgets.cells.shown import ShownCells


class SharedCells(ShownCells):
    """The cells of one sweep, and ways to share them.

    Attributes
    ----------
    link : str
        Where the dashboards of this home show the sweep that is shown here; empty before `make_link`.
    folder : str
        Where `save_folder` has written it last; empty when another one is opened.
    """

    link = traitlets.Unicode(read_only=True)
    folder = traitlets.Unicode(read_only=True)

    def make_link(self) -> None:
        """Find the address of what is shown in the dashboards; `link` is it."""
        sweep = self._sweep
        if sweep is not None:
            self._attempt(lambda: self.set_trait("link", self._studio.link(sweep=sweep)))

    def save_folder(self, path: str = "") -> None:
        """Write what is shown as a folder that opens from disk; `folder` says where. For editors.

        Parameters
        ----------
        path : str
            The folder; ``sweep-`` and the end of its id, where the kernel works, when left out. What an earlier export
            has put there is replaced.
        """
        sweep = self._sweep
        if sweep is not None and self.can_change:
            target = Path(path or f"sweep-{sweep.id[-8:]}")
            self.set_trait("folder", "")
            self._send("writing the folder", lambda: self._write_folder(sweep, target))

    def _write_folder(self, sweep: SweepRun, target: Path) -> None:
        page = self._studio.export_dashboard("sweep", target, sweep=sweep, progress=False)
        self.set_trait("folder", str(page.parent.resolve()))

    @traitlets.observe("opened")
    def _share_no_other(self, _change: traitlets.Bunch) -> None:
        for name in ("link", "folder"):
            self.set_trait(name, "")
