"""What is done to the controls of a panel is heard in the order in which it was done.

JupyterLab offers a subshell for what its pages send, and ipykernel 7.4 sends each widget's to the shell whose request
published last on it (``BaseComm._reply_subshell_for``). A text field, whose changes are echoed, came to be heard in the
subshell from the second change on, and a button always in the main shell: whoever typed a prompt and pressed "Generate"
could get the prompt before. So controls are heard in the main shell, all of them.
"""

from __future__ import annotations

import anywidget
import ipywidgets
import traitlets


def keep_order(widget: ipywidgets.Widget) -> None:
    """Let the main shell hear `widget` and every control that is in it, now or later.

    Views of our own are left as they are: what they ask for, such as pictures, may be answered beside a busy cell.
    """
    if isinstance(widget, anywidget.AnyWidget) or not hasattr(widget.comm, "_reply_subshell_for"):
        return
    if widget.comm._reply_subshell_for is _main_shell:  # there is no public way to choose it
        return
    widget.comm._reply_subshell_for = _main_shell
    if isinstance(widget, ipywidgets.Box):
        for child in widget.children:
            keep_order(child)
        widget.observe(_keep_order_of_all, "children")


def _keep_order_of_all(change: traitlets.Bunch) -> None:
    for child in change.new:
        keep_order(child)


def _main_shell(_data: object, _default: object) -> None:
    """Return the id of the main shell, which has none."""
