"""A dropdown that follows a state: what it offers, and what is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets
import traitlets

Options = Sequence[tuple[str, object]]


class Choice(ipywidgets.Dropdown):  # type: ignore[misc]  # untyped base
    """Joined to one trait of a state, a text or a number.

    New options make a dropdown forget its value, and it says so by a change to the first one. So a change counts as a
    choice only when it does not come from offering.

    Parameters
    ----------
    state : traitlets.HasTraits
        Holds what is chosen.
    name : str
        The trait.
    offered : callable
        Returns (label, value) pairs. A value of the state that is not among them is offered too.
    follow : sequence of str
        Traits whose change means that the options may have changed.
    """

    def __init__(
        self,
        state: traitlets.HasTraits,
        name: str,
        label: str,
        options: Callable[[], Options],
        follow: Sequence[str] = (),
    ) -> None:
        super().__init__(description=label)
        self._state, self._name, self._offered = state, name, options
        self._offering = False
        self.observe(self._choose, "value")
        state.observe(lambda _change: self._offer(), [name, *follow])
        self._offer()

    def _choose(self, change: traitlets.Bunch) -> None:
        if not self._offering:
            self._state.set_trait(self._name, "" if change.new is None else change.new)

    def _offer(self) -> None:
        chosen = getattr(self._state, self._name)
        offered = list(self._offered())
        if chosen not in [value for _label, value in offered]:
            offered.insert(0, (str(chosen or "–"), chosen))
        self._offering = True
        try:
            if tuple(offered) != tuple(self.options):
                self.set_trait("options", offered)
            self.value = chosen
        finally:
            self._offering = False
