"""A studio in memory with as many runs as a test wants: what panels use of the facade, and nothing behind it."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

from PIL import Image

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.errors import InvalidInputError, ReadOnlyError, UnknownRunError

COLOURS = ("red", "green", "blue", "gold")
THINGS = ("boat on the sea", "house in a meadow", "star in the night sky")
MODELS = ("studio-tiny", "procedural")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class FakeStudio:
    """Runs in memory, newest first; every picture is one of four."""

    def __init__(self, count: int, directory: Path, mode: str = "editor") -> None:
        self.mode = mode
        self.calls: list[str] = []
        self.broken = ""
        self._changes = 0
        self._files = [_picture(directory / f"{colour}.png", colour) for colour in COLOURS]
        self._records = [self._made(number) for number in reversed(range(count))]
        self.assets = SimpleNamespace(path=self._path, thumbnail=self._path)

    def add(self, **changes: object) -> RunRecord:
        """Log one more run."""
        record = replace(self._made(len(self._records)), **changes)
        self._records.insert(0, record)
        self._changes += 1
        return record

    def records(self, where, *, limit, offset=0):
        self.calls.append("records")
        return self._matching(where)[offset : offset + limit]

    def facets(self, where):
        self.calls.append("facets")
        if self.broken:
            raise InvalidInputError(self.broken)
        found = self._matching(where)
        counts = {model: sum(record.request.model == model for record in found) for model in MODELS}
        return SimpleNamespace(total=len(found), model={model: n for model, n in counts.items() if n})

    def record(self, run_id):
        for record in self._records:
            if record.id == run_id:
                return record
        raise UnknownRunError(f"no run {run_id!r}")

    def mark(self, run, **changes):
        if self.mode == "locked":
            raise ReadOnlyError("marks are off")
        record = self.record(run)
        self._records[self._records.index(record)] = replace(record, **changes)
        self._changes += 1

    def changed_since(self, token=None):
        return token if token == self._changes else self._changes

    def _matching(self, where):
        if where == type(where)():
            return self._records
        return [
            record
            for record in self._records
            if (where.model is None or record.request.model == where.model)
            and (where.favourite is None or record.favourite == where.favourite)
            and all(word.lower() in record.request.prompt for word in where.text.split())
        ]

    def _made(self, number: int) -> RunRecord:
        prompt = f"a {COLOURS[number % 4]} {THINGS[number % 3]}"
        request = GenerationRequest(MODELS[number % 2], parameters={"prompt": prompt, "seed": number})
        file = self._files[number % 4]
        return RunRecord(
            id=f"run-{number:06d}",
            request=request,
            engine="fake",
            status=RunStatus.SUCCEEDED,
            created_at=BEGIN + timedelta(seconds=number),
            seed=number,
            elapsed_s=0.5,
            assets=(Asset(hashlib.sha256(str(number).encode()).hexdigest(), "image/png", file.stat().st_size, 96, 96),),
        )

    def _path(self, asset: Asset) -> Path:
        return self._files[int(asset.sha256, 16) % 4]


def _picture(path: Path, colour: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    Image.radial_gradient("L").resize((96, 96)).convert("RGB").save(buffer, "WEBP")
    picture = Image.blend(Image.open(buffer).convert("RGB"), Image.new("RGB", (96, 96), colour), 0.55)
    picture.save(path)
    return path
