"""What a run is called in a list, and which of its files stands for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio_kernel.assets.thumbnails import can_be_shown
from studio_kernel.domain.runs import RunRecord

if TYPE_CHECKING:
    from studio_kernel.domain.assets import Asset


def title_of(record: RunRecord) -> str:
    """Return the prompt, or the task when there is none."""
    return record.request.prompt or record.request.task.label


def pictured(record: RunRecord | None) -> Asset | None:
    """Return the first file of a run of which a small picture can be shown."""
    assets = record.assets if record is not None else ()
    return next((asset for asset in assets if can_be_shown(asset.media_type)), None)
