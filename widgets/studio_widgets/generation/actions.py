"""What can be done with the form: generate, cancel, read it as Python, and the keys for it."""

from __future__ import annotations

from html import escape

import ipywidgets

from studio_widgets.frame import panel as parts
from studio_widgets.frame.shortcuts import Shortcuts
from studio_widgets.generation.asking import OWN_TRAITS
from studio_widgets.generation.state import GenerationState
from studio_widgets.snippet.view import Snippet

KEYS = (
    ("Enter", "in the prompt: generate (Shift+Enter: a new line)"),
    ("R", "a new seed"),
    ("+ −", "guidance, a notch up or down"),
    ("] [", "steps, one up or down"),
    ("Esc", "cancel"),
)
KEYS_NOTE = "They act while the focus is in this panel and, Enter and Esc apart, not while you type."
AS_PYTHON = "What the form asks for, as a cell to run"


def shortcuts_of(state: GenerationState) -> Shortcuts:
    """Return the keys of the panel."""
    acts = {
        "r": state.new_seed,
        "R": state.new_seed,
        "+": lambda: state.nudge_guidance(1),
        "=": lambda: state.nudge_guidance(1),  # the same key without Shift
        "-": lambda: state.nudge_guidance(-1),
        "]": lambda: state.nudge_steps(1),
        "[": lambda: state.nudge_steps(-1),
        "Escape": state.cancel,
    }
    return Shortcuts(acts, everywhere=("Escape",))


class Actions(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """Generate and Cancel, how things stand, and what is less often wanted.

    Nothing above the buttons depends on what happens: they stay where they are.
    """

    def __init__(self, state: GenerationState) -> None:
        self._state = state
        self._generate = parts.button("Generate", state.submit, "", "st-primary")
        self._cancel = parts.button("Cancel", state.cancel, "Stop what is being made (key Esc)")
        self._cancel_all = parts.button("Cancel all", state.cancel_all, "Stop what is being made and what waits")
        buttons = parts.styled(ipywidgets.HBox([self._generate, self._cancel, self._cancel_all]), "st-actions")
        self._standing = parts.styled(ipywidgets.HTML(), "sf-standing")
        self._python = ipywidgets.ToggleButton(description="As Python", tooltip=AS_PYTHON)
        parts.styled(self._python, "st-quiet", "st-fold")
        self._snippet = Snippet(label="The form as Python")
        extras = parts.styled(ipywidgets.HBox([self._python, ipywidgets.HTML(_keys())]), "sf-extras")
        super().__init__([buttons, self._standing, extras, self._snippet])
        parts.styled(self, "sf-actions")
        shows = ["status", "parameters", "blocked", "waiting", "working", "values", *OWN_TRAITS]
        state.observe(lambda _change: self._show(), shows)
        state.observe(lambda _change: self._show_python(), ["values", "parameters", "random_seed", *OWN_TRAITS])
        self._python.observe(lambda _change: self._show_python(), "value")
        self._show()
        self._show_python()

    def _show(self) -> None:
        state = self._state
        standing, words = state.standing
        parts.place(self._generate, state.can_change)
        self._generate.disabled = not state.can_submit
        self._generate.tooltip = state.blocked
        self._cancel.disabled = not state.is_busy
        self._cancel_all.layout.visibility = "visible" if state.waiting + state.working else "hidden"
        self._standing.value = f'<span class="sf-{standing}" role="status">{escape(words)}</span>'

    def _show_python(self) -> None:
        is_open = bool(self._python.value)
        parts.place(self._snippet, is_open)
        if is_open:
            self._snippet.code = self._state.as_python()


def _keys() -> str:
    rows = "".join(f"<dt><kbd>{escape(key)}</kbd></dt><dd>{escape(what)}</dd>" for key, what in KEYS)
    note = f'<p class="st-sub">{escape(KEYS_NOTE)}</p>'
    return f'<details class="sf-keys"><summary>Keys</summary><dl class="sf-key-list">{rows}</dl>{note}</details>'
