"""The size on a screen: a list of presets, both sides, what is legal, and what is wrong."""

from __future__ import annotations

from html import escape

import ipywidgets
import traitlets

from studio_widgets.frame import panel as parts
from studio_widgets.generation.asking import FormState
from studio_widgets.generation.sizes import SIDES, SizePreset, SizeRule

CUSTOM = "Custom"
SWAP = "Make the width the height and the height the width"
LOCK = "Change both sides together"


class SizeBox(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """A control for the one or two parameters that say the size of a result."""

    def __init__(self, state: FormState, rule: SizeRule) -> None:
        self._state, self._rule = state, rule
        self._wrong: dict[str, str] = {}
        self._showing = False
        self._presets: list[SizePreset] = state.sizes()
        title = rule.width.title if rule.is_pair else "Size"
        self._preset = parts.field(ipywidgets.Dropdown(description=title, options=self._options()))
        self._preset.observe(self._chosen, "value")
        self._sides = {side: self._side(side) for side in SIDES}
        self._swap = parts.button("⇄ Swap", state.swap_sides, SWAP)
        self._lock = ipywidgets.ToggleButton(description="Lock ratio", tooltip=LOCK)
        self._lock.value = state.lock_ratio
        self._lock.observe(lambda change: state.set_trait("lock_ratio", change.new), "value")
        self._words = parts.styled(ipywidgets.HTML(), "sf-hint")
        sides = parts.styled(parts.row(*self._sides.values(), self._swap, self._lock), "sf-sides")
        super().__init__([self._preset, sides, self._words])
        parts.styled(self, "sf-size", "sf-wide")
        self.show()
        self._tell()

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that it stands for."""
        return self._rule.names

    def fits(self, rule: SizeRule | None) -> bool:
        """Whether it is still made for what the model takes; values change before the form follows new parameters."""
        return rule == self._rule

    def show(self) -> None:
        """Show what the state says."""
        self._showing = True
        try:
            for side, value in zip(SIDES, self._state.sides(), strict=True):
                self._sides[side].value = "" if value is None else str(value)
            self._preset.value = self._place()
            self._lock.value = self._state.lock_ratio
        finally:
            self._showing = False

    def mark(self, name: str, words: str) -> None:
        """Say what is wrong with one of the parameters; nothing when nothing is."""
        if self._wrong.get(name, "") != words:
            self._wrong[name] = words
            self._tell()

    def _tell(self) -> None:
        """Say what is wrong in the line that says what is legal, so that nothing moves."""
        titles = {self._rule.width.name: self._rule.width.title, self._rule.height.name: self._rule.height.title}
        said = [f"{titles[name]} {words}" for name, words in self._wrong.items() if words]
        self._words.value = escape("; ".join(said) or f"{self._rule.allowed}.")
        self._words.add_class("sf-fault") if said else self._words.remove_class("sf-fault")
        for side, text in self._sides.items():
            is_wrong = bool(self._wrong.get(self._rule.side(side).name))
            text.add_class("st-wrong") if is_wrong else text.remove_class("st-wrong")

    def _side(self, side: str) -> ipywidgets.Text:
        hint = "by preset" if self._rule.is_pair else "Model default"
        title = side.capitalize() if self._rule.is_pair else self._rule.side(side).title
        text = ipywidgets.Text(description=f"{title} (px)", placeholder=hint, continuous_update=False)
        text.observe(lambda change: self._typed(side, change.new), "value")
        return parts.field(text)

    def _options(self) -> list[tuple[str, int]]:
        return [*((preset.label, place) for place, preset in enumerate(self._presets)), (CUSTOM, -1)]

    def _place(self) -> int:
        """Return the place of the preset that stands in the form; -1 when none does."""
        values = self._state.values
        fitting = (
            place
            for place, preset in enumerate(self._presets)
            if all(values.get(name) == value for name, value in preset.changes.items())
        )
        return next(fitting, -1)

    def _chosen(self, change: traitlets.Bunch) -> None:
        if not self._showing and change.new is not None and change.new >= 0:
            self._state.choose_size(self._presets[change.new])

    def _typed(self, side: str, text: str) -> None:
        if not self._showing:
            stripped = text.strip()
            self._state.set_side(side, int(stripped) if stripped.isdecimal() else stripped or None)
