"""From entries to presets, styles and export presets, each with the mistakes in it."""

from __future__ import annotations

from collections.abc import Iterator

from immutabledict import immutabledict

from studio_kernel.catalog.entries import ExportPresetEntry, PresetEntry, StyleEntry
from studio_kernel.catalog.mistakes import Mistake, unknown
from studio_kernel.domain.presets import ExportPreset, Preset, Style
from studio_kernel.domain.values import Value, asset_refs, from_json


def preset(key: str, entry: PresetEntry, *, own: bool) -> tuple[Preset, list[Mistake]]:
    """Return the preset an entry describes, and its mistakes."""
    values: dict[str, Value] = {}
    mistakes: list[Mistake] = []
    for name, raw in entry.values.items():
        try:
            values[name] = from_json(raw)
        except (KeyError, TypeError, ValueError) as error:
            mistakes.append(Mistake(f"values.{name}", str(error)))
        else:
            if any(asset_refs(values[name])):
                mistakes.append(Mistake(f"values.{name}", "is a file; a preset has none, as files of runs may go"))
    found = Preset(
        id=key,
        name=entry.name or key,
        description=entry.description,
        task=str(entry.task or ""),
        model=entry.model,
        values=immutabledict(values),
        shape=entry.shape,
        factors=immutabledict(entry.factors),
        own=own,
    )
    return found, mistakes


def style(key: str, entry: StyleEntry, *, own: bool) -> tuple[Style, list[Mistake]]:
    """Return the style an entry describes, and its mistakes."""
    found = Style(key, entry.name or key, entry.text, entry.description, immutabledict(entry.defaults), own)
    return found, list(_style_mistakes(found))


def _style_mistakes(style: Style) -> Iterator[Mistake]:
    if not style.text.strip():
        yield Mistake("text", "is empty")
    for name in style.defaults:
        if name not in style.fields:
            yield Mistake(f"defaults.{name}", unknown("a field of the text", name, style.fields))


def export_preset(key: str, entry: ExportPresetEntry, *, own: bool) -> tuple[ExportPreset, list[Mistake]]:
    """Return the export preset an entry describes, and its mistakes."""
    mistakes = []
    if entry.fit != "inside" and (entry.width is None or entry.height is None):
        mistakes.append(Mistake("fit", f"{entry.fit!r} needs width and height"))
    if entry.format == "original" and (entry.width or entry.height or entry.dpi):
        mistakes.append(Mistake("format", "'original' is a copy and cannot be resized; choose png, jpeg, webp or tiff"))
    if entry.format == "original" and not entry.metadata:
        mistakes.append(
            Mistake("metadata", "'original' is a copy with all that is in it; choose png, jpeg, webp or tiff")
        )
    found = ExportPreset(
        id=key,
        name=entry.name or key,
        description=entry.description,
        format=entry.format,
        width=entry.width,
        height=entry.height,
        fit=entry.fit,
        enlarge=entry.enlarge,
        turns=entry.turns,
        dpi=entry.dpi,
        quality=entry.quality,
        background=entry.background,
        metadata=entry.metadata,
        own=own,
    )
    return found, mistakes
