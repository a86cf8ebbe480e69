"""The file input widget: the kernel's side of ``view.js``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from studio_widgets.media import intents
from studio_widgets.media.state import MediaState
from studio_widgets.page.scripts import esm

_HERE = Path(__file__).parent


class MediaView(anywidget.AnyWidget):  # type: ignore[misc]  # untyped base
    """Takes files from a browser and shows what is given.

    Files come in parts; each is answered, so that the view sends no more than the kernel has taken in and knows how far
    it is.
    """

    _esm = esm(_HERE / "view.js")
    _css = _HERE / "view.css"
    label = traitlets.Unicode().tag(sync=True)
    help = traitlets.Unicode().tag(sync=True)
    accept = traitlets.Unicode().tag(sync=True)
    multiple = traitlets.Bool(False).tag(sync=True)
    has_room = traitlets.Bool(True).tag(sync=True)
    given: traitlets.List[dict[str, str]] = traitlets.List().tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)
    reason = traitlets.Unicode().tag(sync=True)
    gallery = traitlets.Bool(False).tag(sync=True)
    choosing = traitlets.Bool(False).tag(sync=True)
    runs = traitlets.Bool(False).tag(sync=True)

    def __init__(self, state: MediaState, **traits: object) -> None:
        super().__init__(**traits)
        self._state = state
        self.on_msg(self._hear)

    def _hear(self, _widget: object, content: dict[str, Any], buffers: list[memoryview]) -> None:
        intent = intents.read(content, buffers)
        if isinstance(intent, intents.Pictures):
            self._send_pictures(intent.keys)
        elif intent is not None and not self.reason:
            self._do(intent)

    def _do(self, intent: intents.Intent) -> None:
        match intent:
            case intents.Begin(id_, name, size_bytes):
                self._answer(id_, -1, self._state.begin(id_, name, size_bytes))
            case intents.Part(id_, number, data):
                self._answer(id_, number, self._state.take_part(id_, number, data))
            case intents.Stop(id_):
                self._state.stop(id_)
            case intents.TakeRun(run):
                self._state.give_run(run)
            case intents.TakeAway(place):
                self._state.take_away(place)
            case intents.FromGallery():
                self._state.ask_gallery()

    def _answer(self, id_: str, number: int, is_well: bool) -> None:
        if not is_well:
            self.send({"kind": "refused", "id": id_})
        elif self._state.is_receiving:
            self.send({"kind": "got", "id": id_, "part": number})
        else:
            self.send({"kind": "end", "id": id_})

    def _send_pictures(self, keys: tuple[str, ...]) -> None:
        pictures = {key: data for key in keys if (data := self._state.picture(key))}
        self.send({"kind": "pictures", "keys": list(pictures)}, buffers=list(pictures.values()))
