"""Panels of the studio workbench for JupyterLab and Voila.

Every panel is a headless state and a thin view of it: ``GalleryPanel(studio)`` shows itself in a cell, and
``panel.state`` does in code whatever a click can do. Panels load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio_widgets.app.panel import StudioApp
    from studio_widgets.batch.panel import BatchPanel
    from studio_widgets.compare.panel import ComparePanel
    from studio_widgets.costs.panel import CostsPanel
    from studio_widgets.dashboard.panel import Dashboard
    from studio_widgets.estimate.panel import EstimateMeter
    from studio_widgets.explorer.panel import SweepExplorer
    from studio_widgets.exporting.panel import ExportPanel
    from studio_widgets.gallery.panel import GalleryPanel
    from studio_widgets.generation.panel import GenerationPanel
    from studio_widgets.history.panel import HistoryPanel
    from studio_widgets.judge.panel import JudgePanel
    from studio_widgets.models.panel import ModelsPanel
    from studio_widgets.picker.panel import ModelPicker
    from studio_widgets.presets.panel import PresetPanel
    from studio_widgets.projects.panel import ProjectsPanel
    from studio_widgets.queue.panel import QueuePanel
    from studio_widgets.reports.panel import ModelReportPanel, UsagePanel
    from studio_widgets.sweep.panel import SweepPanel

__all__ = [
    "BatchPanel",
    "ComparePanel",
    "CostsPanel",
    "Dashboard",
    "EstimateMeter",
    "ExportPanel",
    "GalleryPanel",
    "GenerationPanel",
    "HistoryPanel",
    "JudgePanel",
    "ModelPicker",
    "ModelReportPanel",
    "ModelsPanel",
    "PresetPanel",
    "ProjectsPanel",
    "QueuePanel",
    "StudioApp",
    "SweepExplorer",
    "SweepPanel",
    "UsagePanel",
]

_HOMES = {
    "BatchPanel": "batch",
    "ComparePanel": "compare",
    "CostsPanel": "costs",
    "Dashboard": "dashboard",
    "EstimateMeter": "estimate",
    "ExportPanel": "exporting",
    "GalleryPanel": "gallery",
    "GenerationPanel": "generation",
    "HistoryPanel": "history",
    "JudgePanel": "judge",
    "ModelPicker": "picker",
    "ModelReportPanel": "reports",
    "ModelsPanel": "models",
    "PresetPanel": "presets",
    "ProjectsPanel": "projects",
    "QueuePanel": "queue",
    "StudioApp": "app",
    "SweepExplorer": "explorer",
    "SweepPanel": "sweep",
    "UsagePanel": "reports",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}.panel"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
