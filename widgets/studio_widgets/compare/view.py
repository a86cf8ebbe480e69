"""The widget of the slots: the kernel's side of ``view.js``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from studio_kernel.comparing.slots import Slot
from studio_kernel.export.page.comparison import SCRIPTS, STYLE
from studio_widgets.compare import intents
from studio_widgets.compare.clips import clip_facts
from studio_widgets.compare.numbers import PICTURES, label_of, words_of
from studio_widgets.compare.state import CompareState
from studio_widgets.page.scripts import joined

_HERE = Path(__file__).parent
_SHOWN = [
    "slots", "arrangement", "mode", "linked", "before", "after", "sizes", "heat", "reference", "measured", "numbers",
    "order", "reverse",
]  # fmt: skip

NO_HEAT = "There is no heat map of this: both must be pictures."


class Slots(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Shows the runs of a `CompareState` side by side, or two of them with a divider.

    What a slot says comes as a trait, the pictures themselves as messages, each when it is asked for.
    """

    _esm = joined(_HERE / "files.js", *SCRIPTS)
    _css = STYLE
    slots: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    columns = traitlets.Int(2).tag(sync=True)
    places = traitlets.Int(2).tag(sync=True)
    arrangement = traitlets.Unicode("auto").tag(sync=True)
    mode = traitlets.Unicode("side").tag(sync=True)
    linked = traitlets.Bool(True).tag(sync=True)
    before = traitlets.Unicode().tag(sync=True)
    after = traitlets.Unicode().tag(sync=True)
    can_use = traitlets.Bool(False).tag(sync=True)
    sizes = traitlets.Unicode("scale").tag(sync=True)
    heat = traitlets.Unicode("absolute").tag(sync=True)
    against = traitlets.Unicode().tag(sync=True)
    measured = traitlets.Bool(False).tag(sync=True)
    numbers: traitlets.Dict[str, list[tuple[str, str]]] = traitlets.Dict().tag(sync=True)
    order = traitlets.Unicode().tag(sync=True)
    orders: traitlets.List[tuple[str, str]] = traitlets.List().tag(sync=True)
    reverse = traitlets.Bool(False).tag(sync=True)

    def __init__(self, state: CompareState) -> None:
        super().__init__(orders=list(state.orders.items()))
        self._state = state
        self._asked: set[str] = set()
        self.on_msg(self._hear)
        state.observe(lambda _change: self._show(), _SHOWN)
        state.observe(lambda _change: self._send_heats(), "heats")
        state.workspace.observe(lambda _change: self._show(), "can_do")
        self._show()

    def _show(self) -> None:
        state = self._state
        with state.lock, self.hold_sync():
            self.slots = [self._said(slot) for slot in state.slots]
            self.columns, self.places = state.grid
            self.arrangement, self.mode, self.linked = state.arrangement, state.mode, state.linked
            self.before, self.after = state.pair
            self.can_use = state.workspace.can("load")
            self.sizes, self.heat, self.against = state.sizes, state.heat, state.against
            self.measured, self.order, self.reverse = state.measured, state.order, state.reverse
            self.numbers = {slot.run: self._numbers_of(slot.run) for slot in state.slots}

    def _said(self, slot: Slot) -> dict[str, Any]:
        heat = self._state.heat_key(slot.run)
        is_other = self._state.mode == "heat" and slot.run != self._state.against
        note = NO_HEAT if is_other and not heat and slot.key else ""
        return asdict(slot) | {"kind": slot.kind, "heat": heat, "heat_note": note}

    def _numbers_of(self, run: str) -> list[tuple[str, str]]:
        """Return names and words of what is measured of a run; dots stand for what is still worked out."""
        known = self._state.numbers.get(run, {})
        names = [name for name in self._state.measured_metrics if run != self._state.against or name in PICTURES]
        return [(label_of(name), words_of(name, known[name]) if name in known else "…") for name in names]

    def _hear(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        state = self._state
        match intents.read(content):
            case intents.File(run, index):
                self._send_file(run, index)
            case intents.Still(run, index):
                self._send_still(run, index)
            case intents.HeatMap(run):
                self._asked.add(run)
                self._send_heats()
            case intents.ShowFile(run, index):
                state.show_file(run, index)
            case intents.Pair(before, after):
                state.choose_pair(before, after)
            case intents.Setting(name, value):
                self._set(name, value)
            case intents.Clear():
                state.clear()
            case other:
                self._rearrange(other)

    def _rearrange(self, intent: intents.Intent | None) -> None:
        state = self._state
        match intent:
            case intents.Put(run, place):
                state.put(run, place)
            case intents.Move(run, place):
                state.move(run, place)
            case intents.Swap(run, other):
                state.swap(run, other)
            case intents.Act("remove", run):
                state.remove(run)
            case intents.Act("use", run):
                state.use(run)

    def _set(self, name: str, value: str | bool) -> None:
        allowed = {"order": self._state.orders, "reference": self._state.runs}.get(name)
        if allowed is None or value in allowed:
            self._state.set_trait(name, value)

    def _send_still(self, run: str, index: int) -> None:
        key, data = self._state.still(run, index)
        told = {"kind": "still", "run": run, "index": index, "key": key, "media_type": "image/webp"}
        self.send(told, buffers=[data])

    def _send_heats(self) -> None:
        """Send the heat maps that a page has asked for, as they are found."""
        with self._state.lock:
            heats = self._state.heats
            ready = [(run, self._state.heat_key(run), heats[run]) for run in self._asked & heats.keys()]
            self._asked -= heats.keys()
        for run, key, heat in ready:
            told = {name: value for name, value in asdict(heat).items() if name != "data"}
            self.send({"kind": "heat", "run": run, "key": key, **told}, buffers=[heat.data])

    def _send_file(self, run: str, index: int) -> None:
        data, media_type = self._state.file(run, index)
        said = {"kind": "file", "run": run, "index": index, "media_type": media_type}
        self.send({**said, "clip": clip_facts(data, media_type)}, buffers=[data])
