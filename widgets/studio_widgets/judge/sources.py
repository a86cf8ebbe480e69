"""What can be judged: where runs come from, and which of them can stand beside each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from studio_kernel.assets.thumbnails import can_be_shown
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.parameters import label_of
from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.run import Run
from studio_kernel.runlog import RunFilter
from studio_kernel.sweeps import SweepRun
from studio_widgets.state import MOST_PLAYED_BYTES
from studio_widgets.wording import counted
from studio_widgets.workspace import Workspace

if TYPE_CHECKING:
    from studio_kernel.studio import Studio

Runs: TypeAlias = RunFilter | SweepRun | Iterable[Run | str]
Source: TypeAlias = RunFilter | SweepRun
Options: TypeAlias = list[tuple[str, str]]

MOST = 500
"""Runs that are judged at once; of more the newest are."""
MOST_SWEEPS = 20
GIVEN, COMPARED, ALL = "given", "compared", "all"
_NOUNS = {"image": "picture", "video": "film", "audio": "sound"}
_ALWAYS = (("Every run for itself", "run"), ("Model", "model"), ("Prompt", "prompt"), ("Preset", "preset"))


@dataclass(frozen=True, slots=True)
class Field:
    """The runs of a source that can be judged against each other.

    Attributes
    ----------
    records : tuple of RunRecord
        Newest first, all with files of one kind.
    kind : str
        ``image``, ``video`` or ``audio``.
    notice : str
        How many there are, and how many were left out and why.
    """

    records: tuple[RunRecord, ...] = ()
    kind: str = "image"
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Face:
    """What a run looks like in the result.

    Attributes
    ----------
    title : str
        Its prompt, and what tells it from the others.
    thumbnail : bytes
        A WebP picture; empty = it has none.
    """

    title: str
    thumbnail: bytes = b""


def usual(workspace: Workspace) -> str:
    """Return the key of what is likely meant: what is compared, or else the project that is worked in."""
    if len(workspace.compared) > 1:
        return COMPARED
    return f"project:{workspace.project}" if workspace.project else ALL


def source_of(runs: Runs) -> Source:
    """Return what was handed over as a source."""
    if isinstance(runs, (RunFilter, SweepRun)):
        return runs
    return RunFilter(ids=[run.id if isinstance(run, Run) else run for run in runs])


def records_of(studio: Studio, source: Source) -> list[RunRecord]:
    """Return the runs of a source, newest first."""
    where = RunFilter(ids=[run.id for run in source.runs]) if isinstance(source, SweepRun) else source
    return studio.records(where, limit=MOST)


def offered(studio: Studio, compared: Sequence[str]) -> Options:
    """Return (label, key) of what there is to judge in a home."""
    facets = studio.facets()
    titles = {project.id: project.title for project in studio.projects()}
    sweeps = studio.sweeps(limit=MOST_SWEEPS)
    return [
        *([(f"What is compared ({len(compared)})", COMPARED)] if len(compared) > 1 else []),
        ("Everything", ALL),
        *((f"Project {titles.get(name, name)}", f"project:{name}") for name in sorted(facets.project)),
        *((f"Tag {name}", f"tag:{name}") for name in sorted(facets.tag)),
        *((f"Sweep of {row.axes}, {row.created_at:%d %b %H:%M}", f"sweep:{row.id}") for row in sweeps.itertuples()),
    ]


def source_for(studio: Studio, key: str, compared: Sequence[str]) -> Source:
    """Return a source by its key, one of `offered`."""
    kind, _, name = key.partition(":")
    if kind == "project":
        return RunFilter(project=name)
    if kind == "tag":
        return RunFilter(tag=name)
    if kind == "sweep":
        return studio.sweep_of(name)
    return RunFilter(ids=list(compared)) if kind == COMPARED else RunFilter()


def field_of(records: Sequence[RunRecord]) -> Field:
    """Return those of some runs that can be judged: files of the kind that most of them have."""
    shown = [(record, asset) for record in records if (asset := judged_file(record)) is not None]
    kinds = Counter(_kind(asset) for _record, asset in shown)
    if not kinds:
        return Field(notice="There is nothing here yet that could be judged.")
    [(kind, _count)] = kinds.most_common(1)
    kept = tuple(record for record, asset in shown if _kind(asset) == kind)
    return Field(kept, kind, _notice(records, kept, kind))


def judged_file(record: RunRecord) -> Asset | None:
    """Return the file that stands for a run, the first that can be shown or played."""
    if record.status is not RunStatus.SUCCEEDED:
        return None
    return next((asset for asset in record.assets if asset.role == "output" and _can_be_judged(asset)), None)


def groupings(records: Sequence[RunRecord]) -> Options:
    """Return (label, key) of what some runs can be told apart by."""
    values: dict[str, set[object]] = {}
    for record in records:
        for name, value in {**record.request.parameters, **record.origin.cell}.items():
            values.setdefault(name, set()).add(value)
    settings = sorted(name for name, found in values.items() if 1 < len(found) < len(records) and name != "prompt")
    several_projects = len({record.origin.project for record in records}) > 1
    return [
        *_ALWAYS,
        *([("Project", "project")] if several_projects else []),
        *((label_of(name), name) for name in settings),
    ]


def _can_be_judged(asset: Asset) -> bool:
    is_short = asset.is_a("image") or asset.size_bytes <= MOST_PLAYED_BYTES
    return is_short and (can_be_shown(asset.media_type) or asset.is_a("audio"))


def _kind(asset: Asset) -> str:
    return asset.media_type.split("/")[0]


def _notice(records: Sequence[RunRecord], kept: Sequence[RunRecord], kind: str) -> str:
    others = len(records) - len(kept)
    left_out = f" {counted(others, 'other run')} made none that could stand beside them." if others else ""
    newest = f" Only the newest {MOST} runs are looked at." if len(records) >= MOST else ""
    return f"{counted(len(kept), _NOUNS[kind])} to judge.{left_out}{newest}"
