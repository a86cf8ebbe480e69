"""Jobs at fal for tests: requests made of a card alone, and a place to do them in."""

from __future__ import annotations

import hashlib
from functools import cache

from immutabledict import immutabledict

from servers.fal_media import picture, sound, video
from studio_kernel.catalog.loader import load
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import AssetRef
from studio_kernel.engines.base import CancelToken, EngineContext
from studio_kernel.engines.fal import FalEngine
from studio_kernel.engines.fal.service import FalService
from studio_kernel.engines.remote.job import Patience
from studio_kernel.settings import ServiceSettings

FILES = {
    "image": (picture(1), "image/png"),
    "mask": (picture(2), "image/png"),
    "video": (video(1), "video/mp4"),
    "audio": (sound(1), "audio/wav"),
}
QUICK = Patience(outage_s=5, unsent_s=2, file_s=2, first_s=0.01, polling=lambda _spent_s: 0.01)


@cache
def fal_cards():
    return {name: card for name, card in load().models.items() if card.engine == "fal"}


class Workplace:
    """A server, and what it takes to do jobs there."""

    def __init__(self, fal, net, cards, folder) -> None:
        self.fal, self.net, self.cards, self.folder = fal, net, cards, folder
        self.cache = folder / "cache"
        self.service = FalService()
        self.engine = FalEngine(QUICK)
        self._to_close = [self.service, self.engine]

    def another(self, **settled):
        """Return a service as another process would have it."""
        made = FalService(ServiceSettings(**settled))
        self._to_close.append(made)
        return made

    def close(self):
        for made in self._to_close:
            made.close()

    def store(self, data, media_type="image/png") -> AssetRef:
        """Keep a file as the asset store does."""
        digest = hashlib.sha256(data).hexdigest()
        extension = {"image/png": ".png", "video/mp4": ".mp4", "audio/wav": ".wav"}.get(media_type, "")
        (self.folder / f"{digest}{extension}").write_bytes(data)
        return AssetRef(digest, media_type)

    def path(self, ref):
        return next(self.folder.glob(f"{ref.sha256}*"))

    def context(self, name="fal/flux_1_dev", **fields):
        given = {"cancel": CancelToken(), "read_asset": self.path, "cache": self.cache}
        return EngineContext(self.cards[name], **(given | fields))

    def request(self, name="fal/flux_1_dev", **values):
        card = self.cards[name]
        if card.parameters[0].name == "prompt":
            values.setdefault("prompt", "a red fox")
        return GenerationRequest(name, card.default_task, card.check(card.default_task, values))

    def request_of(self, card, *, with_all=False):
        """Return a request made of a card alone: what it requires, or everything it takes."""
        task = card.default_task
        wanted = [one for one in card.parameters_for(task) if one.required or with_all]
        values = {one.name: self.value_of(one) for one in wanted}
        return GenerationRequest(card.id, task, card.check(task, values))

    def value_of(self, parameter):
        one = self._one(parameter)
        return (one,) if parameter.multiple else one

    def _one(self, parameter):
        if parameter.from_run:
            self.fal.videos.add("video_1")
            return "video_1"
        if parameter.is_media:
            return self.store(*FILES[parameter.type])
        if parameter.choices:
            return parameter.choices[-1]
        if parameter.type in ("integer", "number"):
            for value in (parameter.default, parameter.min, parameter.max):
                if value is not None:
                    return int(value) if parameter.type == "integer" else float(value)
            return 1
        if parameter.type == "boolean":
            return True
        if parameter.type == "size":
            return int(parameter.min or 512), int(parameter.max or 512)
        if parameter.type == "object":
            return immutabledict(image_url=self.store(*FILES["image"]), scale=0.5, words=("a", "b"))
        return parameter.default if isinstance(parameter.default, str) else "a red fox"

    def submitted(self, name="fal/flux_1_dev", **values):
        """Return the context and the ticket of a job."""
        context = self.context(name)
        payload = self.service.prepare(self.request(name, **values), context)
        return context, self.service.submit(payload, context)

    def ended(self, name="fal/flux_1_dev", **values):
        """Return the context and the ticket of a job that has ended."""
        context, ticket = self.submitted(name, **values)
        while self.service.state(ticket, context).stage != "ended":
            pass
        return context, ticket

    def events(self, request, **fields):
        return list(self.engine.stream(request, self.context(request.model, **fields)))
