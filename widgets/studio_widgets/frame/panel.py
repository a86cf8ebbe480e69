"""The few building blocks that all panels are put together from."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import ipywidgets

from studio_widgets.frame.view import Frame


def panel(name: str, *children: ipywidgets.Widget, on_beat: Callable[[], None] | None = None) -> ipywidgets.VBox:
    """Return the root of a panel: framed, styled, and named for screen readers."""
    return styled(ipywidgets.VBox([Frame(name, on_beat), *children]), "studio", f"studio-{name.lower()}")


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
    """Return `control` with its label above it."""
    return styled(control, "st-field")


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


def badge(text: str, kind: str = "") -> str:
    """Return a small label as HTML; `kind` is ``good``, ``warn``, ``bad`` or nothing."""
    return f'<span class="st-badge {kind}">{escape(text)}</span>'
