"""The estimate on a screen: a line above the button, and everything behind it on demand."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from html import escape
from typing import TYPE_CHECKING

import ipywidgets
import traitlets

from studio_kernel.domain.pricing import old_price
from studio_kernel.domain.tasks import Task
from studio_widgets.estimate import texts
from studio_widgets.estimate.state import EstimateState
from studio_widgets.frame import panel as parts
from studio_widgets.generation.state import GenerationState

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

CONSENT = "Generate without knowing the price"


class EstimateMeter(parts.PanelBox):
    """Shows what a run would take: memory, time and money.

    Parameters
    ----------
    studio : Studio
        Opened as an editor.
    form : GenerationState or None
        Followed, such as ``GenerationPanel(studio).state``; one of its own when left out.
    task, model : str
        What that own one begins with.

    Attributes
    ----------
    state : EstimateState
        Everything it shows and does.

    Examples
    --------
    >>> meter = EstimateMeter(studio, model="studio-tiny")  # doctest: +SKIP
    >>> meter.state.form.set("num_images", 8)  # doctest: +SKIP
    """

    def __init__(
        self,
        studio: Studio,
        *,
        form: GenerationState | None = None,
        task: str = str(Task.TEXT_TO_IMAGE),
        model: str = "",
    ) -> None:
        followed = form or GenerationState(studio, task=task, model=model, attach=False)
        self.state = EstimateState(studio, followed)
        self.state.is_expanded = True
        head, self._model = parts.head("Estimate")
        super().__init__("Estimate", head, parts.card(Meter(self.state)))
        followed.observe(lambda _change: self._show(), "model")
        self._show()

    def _show(self) -> None:
        self._model.value = escape(self.state.form.model)


class Meter(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The meter without a frame, to be put into a panel.

    Parameters
    ----------
    beside_form : bool
        The form stands beside it, and says itself why its model cannot be used.
    """

    def __init__(self, state: EstimateState, *, beside_form: bool = False) -> None:
        self._state = state
        self._beside_form = beside_form
        self._line = parts.styled(ipywidgets.HTML(), "se-summary")
        self._more = parts.styled(ipywidgets.ToggleButton(description="Details"), "st-quiet", "st-fold")
        traitlets.link((state, "is_expanded"), (self._more, "value"))
        self._price = parts.styled(ipywidgets.HTML(), "se-price")
        self._details = ipywidgets.HTML()
        self._offers = parts.styled(ipywidgets.HBox(), "st-row", "se-offers")
        self._advice = ipywidgets.HTML()
        self._warnings = ipywidgets.HTML()
        self._consent = ipywidgets.Checkbox(description=CONSENT, indent=False)
        traitlets.link((state.form, "accept_unknown_price"), (self._consent, "value"))
        top = parts.styled(ipywidgets.HBox([self._line, self._more]), "se-top")
        super().__init__([top, self._price, self._details, self._offers, self._advice, self._warnings, self._consent])
        parts.styled(self, "se-meter")
        state.observe(lambda _change: self._show(), ["estimate", "error", "is_stale", "is_expanded"])
        state.observe(lambda _change: self._show_offers(), "offers")
        self._show()
        self._show_offers()

    def _show(self) -> None:
        state = self._state
        has_bar = not state.is_expanded
        self._line.value = texts.line(state.estimate, state.error, is_stale=state.is_stale, has_bar=has_bar)
        self._more.description = "Less" if state.is_expanded else "Details"
        parts.fill(self._price, "" if state.is_expanded else _dim(texts.price(state.estimate)))
        parts.fill(self._details, texts.details(state.estimate, is_stale=state.is_stale) if state.is_expanded else "")
        parts.fill(
            self._advice, parts.listed("What would help", texts.advice(state.estimate)) if state.is_expanded else ""
        )
        parts.fill(self._warnings, _warned(self._news()))
        parts.place(self._consent, state.needs_consent)

    def _news(self) -> list[str]:
        """Return the warnings that do not stand here in other words already."""
        state = self._state
        is_old = old_price(state.estimate.cost, datetime.now(UTC).date()) if state.estimate else ""
        blocked = state.form.blocked if self._beside_form else ""
        told = texts.warnings(state.estimate)
        return [text for text in told if text != is_old and not (blocked and text.endswith(blocked))]

    def _show_offers(self) -> None:
        buttons = [ipywidgets.Button(description=offer.words) for offer in self._state.offers]
        for place, button in enumerate(buttons):
            button.tooltip = "Change the form to this"
            button.on_click(partial(self._take, place))
        self._offers.children = [ipywidgets.HTML('<span class="st-sub">It would fit with</span>'), *buttons]
        parts.place(self._offers, bool(buttons))

    def _take(self, place: int, _button: ipywidgets.Button) -> None:
        self._state.take(place)


def _dim(text: str) -> str:
    return f'<span class="st-sub">{escape(text)}</span>' if text else ""


def _warned(warnings: list[str]) -> str:
    return "".join(map(parts.warning, warnings))
