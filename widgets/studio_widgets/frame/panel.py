"""The few building blocks that all panels are put together from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import ipywidgets
from IPython.display import display

from studio_widgets.frame.delivery import deliver_all
from studio_widgets.frame.ordered import keep_order
from studio_widgets.frame.resending import resend
from studio_widgets.frame.still import Still, StillOutput
from studio_widgets.frame.view import Frame
from studio_widgets.state import PanelState
from studio_widgets.timing import Pulse


class PanelBox(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The root of a panel: framed, styled, named for screen readers, alive while somebody looks.

    Parameters
    ----------
    name : str
        What people call it; also its CSS class, ``studio-NAME``.
    *children : ipywidgets.Widget
        What is in it.
    tick : callable or None
        Brings it up to date: called about once a second while somebody looks, in a thread, also while a cell keeps the
        kernel busy.
    beat : callable or None
        The same for what may take its time: called about every ten seconds, in the kernel's own loop.
    closing : callable or None
        Called when it is closed; may be called again.
    """

    # `__del__` of ipywidgets closes also what could not be made: until it is made, there is nothing to end.
    _pulse: Pulse | None = None
    _closing: Callable[[], None] | None = None

    def __init__(
        self,
        name: str,
        *children: ipywidgets.Widget,
        tick: Callable[[], None] | None = None,
        beat: Callable[[], None] | None = None,
        closing: Callable[[], None] | None = None,
    ) -> None:
        deliver_all()
        self.name = name
        self._closing = closing
        self._tick, self._beat = tick or _nothing, beat or _nothing
        self._is_new_on_screen = False
        self._pulse = Pulse(self._bring_up_to_date)
        self._still = StillOutput(name)
        framed = ipywidgets.VBox([Frame(name, self._look), *children])
        super().__init__([styled(framed, "studio", f"studio-{name.lower()}")])
        keep_order(self)

    def still(self) -> Still:
        """Return what a notebook shall show of it when no kernel is there."""
        return Still()

    def close(self) -> None:
        """Take it off the screen, for good."""
        if self._closing is not None:
            self._closing()
        if self._pulse is not None:
            self._pulse.stop()
        super().close()

    def _look(self, is_new: bool) -> None:
        self._is_new_on_screen |= is_new
        self._beat()
        if self._pulse is not None:
            self._pulse.beat()

    def _bring_up_to_date(self) -> None:
        self._tick()
        if self._is_new_on_screen:
            self._is_new_on_screen = False
            with PanelState.lock:
                resend(self)
        self._still.update(self.still)

    def _ipython_display_(self) -> None:
        """Show the panel, and behind it what stands for it when the notebook is opened without a kernel."""
        output = {**self._repr_mimebundle_(), "text/plain": f"{self.name} panel of the studio"}
        display(output, raw=True)  # type: ignore[no-untyped-call]
        self._still.show(self.still())


def _nothing() -> None:
    pass


def head(title: str) -> tuple[ipywidgets.HBox, ipywidgets.HTML]:
    """Return a heading, and the text beside it that says how things stand."""
    beside = styled(ipywidgets.HTML(), "st-sub")
    return styled(
        ipywidgets.HBox([ipywidgets.HTML(f'<span class="st-title">{escape(title)}</span>'), beside]), "st-head"
    ), beside


def card(*children: ipywidgets.Widget) -> ipywidgets.VBox:
    """Return a box with a border."""
    return styled(ipywidgets.VBox(list(children)), "st-card")


def row(*children: ipywidgets.Widget) -> ipywidgets.HBox:
    """Return things side by side, wrapping where there is no room."""
    return styled(ipywidgets.HBox(list(children)), "st-row")


def field(control: ipywidgets.Widget) -> ipywidgets.Widget:
    """Return `control` with its label above it; what is being typed into it is safe."""
    return typed(styled(control, "st-field"))


def typed(control: ipywidgets.Widget) -> ipywidgets.Widget:
    """Return `control`; the frame keeps what is being typed into it, if it tells that only when it is left."""
    return control if getattr(control, "continuous_update", True) else styled(control, "st-typed")


def styled(widget: ipywidgets.Widget, *classes: str) -> ipywidgets.Widget:
    """Return `widget` with CSS classes added."""
    for name in classes:
        widget.add_class(name)
    return widget


def alert(text: str) -> str:
    """Return `text` as HTML that is read out when it appears; nothing for no text."""
    return f'<div class="st-alert" role="alert">{escape(text)}</div>' if text else ""


def warning(text: str) -> str:
    """Return `text` as HTML that is read out when it appears, for what is no error; nothing for no text."""
    return f'<div class="st-alert warn" role="alert">{escape(text)}</div>' if text else ""


def facts(pairs: list[tuple[str, str]]) -> str:
    """Return names and values as an HTML list."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs)
    return f'<dl class="st-facts">{rows}</dl>'


def listed(title: str, items: Sequence[str]) -> str:
    """Return a list with a title as HTML; nothing for no items."""
    rows = "".join(f"<li>{escape(item)}</li>" for item in items)
    return f'<div class="st-sub">{escape(title)}</div><ul>{rows}</ul>' if items else ""


def badge(text: str, kind: str = "") -> str:
    """Return a small label as HTML; `kind` is ``good``, ``warn``, ``bad`` or nothing."""
    return f'<span class="st-badge {kind}">{escape(text)}</span>'


def fill(widget: ipywidgets.HTML, html: str) -> None:
    """Show some HTML, or take the widget out of the way when there is none."""
    widget.value = html
    place(widget, bool(html))


def place(widget: ipywidgets.Widget, is_there: bool) -> None:
    """Show a widget, or take it out of the way."""
    widget.layout.display = None if is_there else "none"


def button(text: str, act: Callable[[], object], tooltip: str = "", *classes: str) -> ipywidgets.Button:
    """Return a button that calls `act`."""
    made = styled(ipywidgets.Button(description=text, tooltip=tooltip), *classes)
    made.on_click(lambda _button: act())
    return made
