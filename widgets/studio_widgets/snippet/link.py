"""A link to a dashboard, to be copied, and who can open it."""

from __future__ import annotations

import ipywidgets

from studio_widgets.frame import panel as parts
from studio_widgets.snippet.view import Snippet


class DashboardLink(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The link, out of the way while there is none.

    Parameters
    ----------
    lead : str
        What comes before the words that say who can open it.
    """

    def __init__(self, lead: str) -> None:
        self._link = Snippet(label="Link to a dashboard")
        said = f"{lead}; it opens for people who have the address and token of <code>studio dashboards</code>."
        super().__init__([ipywidgets.HTML(f'<div class="st-sub">{said}</div>'), self._link])
        self.show("")

    def show(self, link: str) -> None:
        """Show a link, or nothing."""
        self._link.code = link
        parts.place(self, bool(link))
