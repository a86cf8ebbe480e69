"""Engines for tests: real ones by the protocol, that do what a test needs."""

import threading

import media
from studio_kernel.domain.events import Failed, Finished, Produced, Progress, Started
from studio_kernel.engines.base import Capabilities
from studio_kernel.errors import Cancelled, EngineError, InvalidRequestError, Problem


class GatedEngine:
    """Works step by step, and each step waits for the test to let it happen.

    Fails when the prompt says "fail", breaks unexpectedly when it says "break".
    """

    name = "gated"
    capabilities = Capabilities(previews=True)

    def __init__(self, picture):
        self.picture = picture
        self.gate = threading.Semaphore(0)
        self.started = threading.Event()
        self.requests = []
        self.closed = False

    def let(self, steps=1_000_000):
        """Let so many steps happen."""
        self.gate.release(steps)

    def unavailable(self, _card):
        return None

    def check(self, request, _context):
        if "refuse" in request.prompt:
            raise InvalidRequestError([Problem("prompt", f"{request.prompt!r} is refused")], self.name)

    def stream(self, request, context):
        self.requests.append(request)
        yield Started({"device": "none"})
        self.started.set()
        total = request.parameters.get("num_inference_steps", 4)
        for step in range(1, total + 1):
            while not self.gate.acquire(timeout=0.01):
                context.cancel.check()
            context.cancel.check()
            yield Progress(step, total, preview=b"preview" if context.preview_due() else None)
        if "fail" in request.prompt:
            raise EngineError("the engine could not")
        if "break" in request.prompt:
            raise ZeroDivisionError("oops")
        yield Produced(self.picture, "image/png", seed=request.seed)
        yield Finished(cost_usd=0.25, timings={"denoising": 0.5}, peak_memory_bytes=1024, fallbacks=("vae_tiling",))

    def close(self):
        self.closed = True


class TogetherEngine(GatedEngine):
    """Makes up to four requests in one pass; each step of a pass waits for the test.

    A prompt with "fail" fails alone, one with "break" breaks the pass. Files are encoded after the engine is free.
    """

    def __init__(self, picture, limit=4):
        super().__init__(picture)
        self.limit = limit
        self.passes = []
        self.may_encode = threading.Event()
        self.may_encode.set()

    def batch_key(self, request, _card):
        return request.parameters.get("num_inference_steps")

    def batch_limit(self, _request):
        return self.limit

    def appetite(self, _request, batch_size):
        return batch_size

    def stream_batch(self, members, context, batch_size):
        self.passes.append([member.request.seed for member in members])
        yield None, Started({"device": "none"})
        self.started.set()
        total = members[0].request.parameters["num_inference_steps"]
        for step in range(1, total + 1):
            while not self.gate.acquire(timeout=0.01):
                self._check(members, context)
            self._check(members, context)
            yield None, Progress(step, total)
        context.release()
        self.may_encode.wait(60)
        for place, member in enumerate(members):
            if "break" in member.request.prompt:
                raise ZeroDivisionError("oops")
            if "fail" in member.request.prompt:
                yield place, Failed(EngineError("the engine could not"))
            elif not member.cancel.is_cancelled:
                yield place, Produced(self.picture, "image/png", seed=member.request.seed, batch_size=batch_size)
                yield place, Finished(timings={"denoising": 0.5})

    @staticmethod
    def _check(members, context):
        context.cancel.check()
        if all(member.cancel.is_cancelled for member in members):
            raise Cancelled("all of them")


GATED_CATALOG = """
models:
  gated:
    name: Gated
    creator: Tests
    engine: gated
    tasks: [text-to-image]
    licence: none
    parameters:
      prompt:
      num_inference_steps: {default: 4}
      seed:
"""


def install_gated(home):
    """Put the gated model into the catalog of a home."""
    (home / "catalog").mkdir(parents=True, exist_ok=True)
    (home / "catalog" / "gated.yaml").write_text(GATED_CATALOG)


class PaidEngine(GatedEngine):
    """Works elsewhere, as far as anybody can tell, and charges `bill` for each run; `None` = it does not say."""

    name = "paid"

    def __init__(self, picture, bill=None, lanes=1):
        super().__init__(picture)
        self.bill = bill
        self.capabilities = Capabilities(remote=True, lanes=lanes)

    def stream(self, request, context):
        for event in super().stream(request, context):
            yield Finished(cost_usd=self.bill) if isinstance(event, Finished) else event


PAID_CATALOG = """
models:
  paid:
    engine: paid
    tasks: [text-to-image]
    licence: none
    price: {unit: image, amount_usd: 0.5, as_of: "2026-01", source: a page}
    parameters: {prompt: , num_inference_steps: {default: 1}, seed: , num_images: {max: 100}}
  priceless:
    engine: paid
    tasks: [text-to-image]
    licence: none
    price: {unit: compute_second, note: It depends on the machine.}
    parameters: {prompt: , num_inference_steps: {default: 1}, seed: }
"""


def install_paid(home, budget=""):
    """Put the paid models into the catalog of a home, and a budget into its settings."""
    (home / "catalog").mkdir(parents=True, exist_ok=True)
    (home / "catalog" / "paid.yaml").write_text(PAID_CATALOG)
    (home / "settings.toml").write_text(f"[budget]\n{budget}\n")


class MediaEngine:
    """Gives the files of `media` that the prompt names: "webm", "wav jpg", or what `files` has under a word."""

    name = "media"
    capabilities = Capabilities()

    def __init__(self, files=()):
        self.files = dict(files)

    def unavailable(self, _card):
        return None

    def check(self, request, _context):
        pass

    def stream(self, request, _context):
        yield Started({"device": "none"})
        for index, kind in enumerate(request.prompt.split()):
            data = self.files.get(kind) or media.file(kind)
            yield Produced(data, "", index=index, seed=request.seed)
        yield Finished()

    def close(self):
        pass


MEDIA_CATALOG = """
models:
  media:
    name: Media
    creator: Tests
    engine: media
    tasks: [text-to-video, text-to-audio]
    licence: none
    parameters: {prompt: , seed: }
"""


def install_media(home):
    """Put the model of `MediaEngine` into the catalog of a home."""
    (home / "catalog").mkdir(parents=True, exist_ok=True)
    (home / "catalog" / "media.yaml").write_text(MEDIA_CATALOG)
