"""Helpers shared by the training stages: budget, weight averaging, workers, learning rate."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.distributed as dist
from PIL import Image
from torch import Tensor
from tqdm import tqdm


@dataclass
class Workers:
    """A few single-thread processes that train copies of the same weights and average them now and then.

    Started by ``torchrun`` (which sets ``RANK`` and ``WORLD_SIZE``); a lone process works the same without averaging.
    """

    rank: int = field(default_factory=lambda: int(os.environ.get("RANK", "0")))
    count: int = field(default_factory=lambda: int(os.environ.get("WORLD_SIZE", "1")))

    def start(self) -> None:
        """Join the other workers, if there are any."""
        if self.count > 1 and not dist.is_initialized():
            dist.init_process_group("gloo")

    @property
    def first(self) -> bool:
        """Whether this worker writes the files and shows the progress."""
        return self.rank == 0

    @torch.no_grad()
    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by its mean over the workers, in place."""
        if self.count == 1:
            return
        tensors = list(tensors)
        flat = torch.cat([tensor.detach().float().cpu().reshape(-1) for tensor in tensors])
        dist.all_reduce(flat)
        for tensor, piece in zip(tensors, (flat / self.count).split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(piece.view_as(tensor))

    def highest(self, value: float) -> float:
        """Find the largest value among the workers."""
        if self.count == 1:
            return value
        tensor = torch.tensor([value], dtype=torch.float64)
        dist.all_reduce(tensor, op=dist.ReduceOp.MAX)
        return tensor.item()

    def wait(self) -> None:
        """Wait until every worker is here."""
        if self.count > 1:
            dist.barrier()


class Budget:
    """How much of the allowed time or steps is used.

    Parameters
    ----------
    cpu_seconds : float
        CPU seconds of this process, or seconds on the clock where a GPU does the work.
    steps : int, optional
        Upper limit of steps, for smoke runs.
    minutes : float, optional
        Upper limit on the clock.
    clock : bool
        Count seconds on the clock instead of CPU seconds.
    """

    def __init__(
        self, cpu_seconds: float, steps: int | None = None, minutes: float | None = None, clock: bool = False
    ) -> None:
        self.cpu_seconds, self.steps, self.minutes = cpu_seconds, steps, minutes
        self._now = time.time if clock else time.process_time
        self._used_at, self._clock_at = self._now(), time.time()

    @property
    def used(self) -> float:
        """Seconds used so far."""
        return self._now() - self._used_at

    def fraction(self, step: int) -> float:
        """Share of the budget used after ``step`` steps; 1 or more means stop."""
        share = self.used / self.cpu_seconds
        if self.steps is not None:
            share = max(share, step / self.steps)
        if self.minutes is not None:
            share = max(share, (time.time() - self._clock_at) / (60 * self.minutes))
        return share


def learning_rate(fraction: float, step: int, last: float = 0.02, warmup: int = 100) -> float:
    """Factor on the learning rate: a short warm-up, then a cosine down to ``last``."""
    return min(1.0, (step + 1) / warmup) * (last + (1 - last) * 0.5 * (1 + math.cos(math.pi * min(1.0, fraction))))


class AveragedWeights:
    """Exponential moving average of parameters."""

    def __init__(self, parameters: Iterable[Tensor], decay: float = 0.999) -> None:
        self.parameters = list(parameters)
        self.decay = decay
        self.average = [p.detach().clone() for p in self.parameters]
        self._steps = 0

    @torch.no_grad()
    def update(self) -> None:
        """Move the average a little towards the present weights."""
        self._steps += 1
        decay = min(self.decay, self._steps / (self._steps + 15))
        torch._foreach_mul_(self.average, decay)
        torch._foreach_add_(self.average, [p.detach() for p in self.parameters], alpha=1 - decay)

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Put the averaged weights in place for a while."""
        now = [p.detach().clone() for p in self.parameters]
        with torch.no_grad():
            for p, mean in zip(self.parameters, self.average, strict=True):
                p.copy_(mean)
        yield
        with torch.no_grad():
            for p, value in zip(self.parameters, now, strict=True):
                p.copy_(value)


def to_tensor(images: Iterable[Image.Image | np.ndarray]) -> Tensor:
    """Pictures as one batch in -1..1."""
    stacked = torch.stack([torch.from_numpy(np.array(image)) for image in images])
    return stacked.permute(0, 3, 1, 2).float().div(127.5).sub(1)


def progress(title: str, show: bool) -> tqdm:
    """Make a progress bar in per cent of the budget."""
    form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining} {postfix}"
    return tqdm(total=100, desc=title, disable=not show, bar_format=form, mininterval=2.0, miniters=0)


def advance(bar: tqdm, fraction: float, note: str) -> None:
    """Move a bar of :func:`progress` to a share of the budget."""
    bar.set_postfix_str(note, refresh=False)
    bar.update(int(100 * min(1.0, fraction)) - bar.n)
