"""From collected facts about local models to tips.

``python -m studio_kernel.catalog.tips FACTS.json data/catalog/tips.yaml`` converts model descriptions as `FactModel`
spells them out. What has a name here becomes a value under that name; what has none, or whose meaning here is not
certain (ComfyUI's samplers without an exact counterpart, the shift of a flow), stays in words, as a note. Fields that
are not known here fail, so that a new one cannot be lost.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml
from msgspec import Struct

from studio_kernel.catalog.build import Family
from studio_kernel.catalog.entries import CatalogFile, TipsEntry, VramEntry
from studio_kernel.catalog.loader import Catalog, load
from studio_kernel.domain.model import SchedulerCard
from studio_kernel.forms import ready

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "sd15": ("sd15",),
    "sdxl": ("sdxl",),
    "sdxl_turbo": ("sdxl-turbo",),
    "sdxl_lightning": ("sdxl-lightning",),
    "sd35_medium": ("sd3.5",),
    "sd35_large": ("sd3.5-large",),
    "flux1_dev": ("flux",),
    "flux1_schnell": ("flux-schnell",),
    "z_image_turbo": ("z-image-turbo",),
}
"""Which families of our catalog a model of the facts is the pattern of."""

SAME = frozenset({"original", "fp8", "2512"})
"""Kinds of other repositories that hold the same model, so that its tips hold for them too; a distilled or edited one
wants other settings."""

WHOLE_PEAKS = frozenset({"peak", "peak, approximate", "peak max_memory_allocated", "peak max_memory_reserved"})
"""Metrics of `FactFigure` that count a whole run."""

QUALITIES = ("measured", "doc_stated", "vendor_stated")
OF_THE_FACTS = ("check:", "listed because")
"""How notes begin that are about the collection and not about the model."""
MIB_PER_GIB = 1024.0
_SEQUENCE, _MAPPING = "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"
SHORT = 104
"""Characters of a value that stands in one line with its name."""


class FactComponent(Struct, forbid_unknown_fields=True):
    """One network of a model; tips have no use for it, and it is spelled out so that nothing hides in it."""

    role: str
    params: int | None
    name: str | None = None
    ref: str | None = None
    class_: str | None = msgspec.field(default=None, name="class")
    params_basis: str | None = None
    architecture: Any = None
    files: Any = None
    note: str | None = None


class FactRecommended(Struct, forbid_unknown_fields=True):
    """Settings that somebody recommends."""

    steps: int
    steps_range: tuple[int, int] | None
    guidance: float
    guidance_range: tuple[float, float] | None
    guidance_kind: str
    comfy_sampler: str | None
    comfy_scheduler: str | None
    flow_shift: float | str | None
    width: int | None
    height: int | None
    frames: int | None
    fps: int | None
    source: str
    note: str | None


class FactMultiple(Struct, forbid_unknown_fields=True):
    """What width and height must be multiples of."""

    diffusers: int | None
    comfyui: int | None
    source: str
    note: str | None


class FactFrames(Struct, forbid_unknown_fields=True):
    """Which numbers of frames a model takes."""

    form: str
    temporal_factor: int
    note: str
    source: str


class FactLicence(Struct, forbid_unknown_fields=True):
    """Under which terms a model may be used."""

    name: str | None
    source: str | None
    note: str | None = None


class FactModel(Struct, forbid_unknown_fields=True):
    """One model."""

    id: str
    family: str
    name: str
    kind: str
    hf_repo: str
    other_repos: dict[str, str]
    pipelines: dict[str, str]
    components: list[FactComponent]
    released_dtype: str | None
    repo_size_on_disk_gb: Any
    recommended: FactRecommended
    diffusers_call_defaults: dict[str, float] | None
    dimension_multiple: FactMultiple
    native_sizes: list[tuple[int, int]] | None
    frame_rule: FactFrames | None
    licence: FactLicence
    notes: list[str]
    total_params_known: int | None
    components_without_count: list[str]
    weights_gib_at_2_bytes: float | None


class FactFigure(Struct, forbid_unknown_fields=True):
    """One published figure of memory."""

    model: str
    runtime: str | None
    gpu: str | None
    task: str | None
    width: int | None
    height: int | None
    frames: int | None
    steps: int | None
    batch: int | None
    dtype: str | None
    quantization: str | None
    offload: str
    vae_mode: str
    other: str | None
    value: float
    unit: Literal["GiB", "GB", "MiB", "MB"]
    metric: str
    quality: str
    source: str
    note: str | None


class FactAbout(Struct):
    """What is said of the facts as a whole."""

    collected: str


class Facts(Struct):
    """The file; sections that tips have no use for are left unread."""

    about: FactAbout
    sources: dict[str, str]
    models: list[FactModel]
    vram_figures: list[FactFigure]


def convert(facts: Facts, catalog: Catalog) -> CatalogFile:
    """Return the tips that `facts` hold.

    Parameters
    ----------
    facts : Facts
        As collected.
    catalog : Catalog
        Says which schedulers there are, and which of them a family takes.
    """
    return CatalogFile(tips={fact.id: _tips(fact, facts, catalog) for fact in facts.models})


def _tips(fact: FactModel, facts: Facts, catalog: Catalog) -> TipsEntry:
    given = fact.recommended
    scheduler = _scheduler(fact, catalog)
    size = _size(fact)
    return TipsEntry(
        name=fact.name,
        hub=(fact.hf_repo, *(repo for kind, repo in fact.other_repos.items() if kind in SAME)),
        families=FAMILIES.get(fact.id, ()),
        values=_without_none(
            {
                "num_inference_steps": given.steps,
                _guidance_name(fact): given.guidance,
                "width": size[0] if size else None,
                "height": size[1] if size else None,
                "scheduler": scheduler,
                "num_frames": given.frames,
                "fps": given.fps,
            }
        ),
        ranges=_without_none({"num_inference_steps": given.steps_range, _guidance_name(fact): given.guidance_range}),
        sizes=tuple(dict.fromkeys([*([size] if size else []), *(fact.native_sizes or [])])),
        multiple=fact.dimension_multiple.diffusers,
        frame_rule=fact.frame_rule.form if fact.frame_rule else "",
        weights_gib=fact.weights_gib_at_2_bytes,
        vram=_figure(fact.id, facts),
        notes=tuple(_spelled_out(note, facts.sources) for note in _notes(fact, scheduler)),
        licence=fact.licence.name or "",
        as_of=facts.about.collected,
        read_from=tuple(_spelled_out(text, facts.sources) for text in _read_from(fact)),
    )


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _guidance_name(fact: FactModel) -> str:
    """Return what the pipeline calls classifier-free guidance: for some, `guidance_scale` is another thing."""
    return "true_cfg_scale" if "true_cfg_scale" in (fact.diffusers_call_defaults or {}) else "guidance_scale"


def _size(fact: FactModel) -> tuple[int, int] | None:
    """Return the recommended size, if the pipeline takes it: a workflow may make it in two stages."""
    width, height, multiple = fact.recommended.width, fact.recommended.height, fact.dimension_multiple.diffusers or 1
    return (width, height) if width and height and not width % multiple and not height % multiple else None


def _scheduler(fact: FactModel, catalog: Catalog) -> str | None:
    """Return the scheduler meant by ComfyUI's names, where an alias says so and a family of ours takes it."""
    families = [catalog.families[name] for name in FAMILIES.get(fact.id, ())]
    given = fact.recommended
    # "normal" is the plain schedule, which other programs do not name
    wanted = " ".join(name for name in (given.comfy_sampler, given.comfy_scheduler) if name and name != "normal")
    meant = [card for card in catalog.schedulers.values() if wanted in card.aliases]
    return next((card.id for card in meant for family in families if _takes(family, card)), None)


def _takes(family: Family, scheduler: SchedulerCard) -> bool:
    """Return whether a family is of flow matching as the scheduler is, or neither is."""
    return scheduler.class_name.startswith("FlowMatch") == any(name.startswith("flow") for name in family.schedulers)


def _figure(model: str, facts: Facts) -> VramEntry | None:
    """Return the best published peak without offloading and quantisation whose size is known."""
    found = [figure for figure in facts.vram_figures if figure.model == model and _is_base(figure)]
    if not found:
        return None
    best = min(found, key=lambda figure: (QUALITIES.index(figure.quality), "allocated" not in figure.metric))
    said = [best.note, best.other, "printed as GB, taken as GiB" if best.unit == "GB" else None]
    return VramEntry(
        gib=round(best.value / MIB_PER_GIB, 3) if best.unit == "MiB" else best.value,
        width=best.width or 0,
        height=best.height or 0,
        frames=best.frames,
        dtype=best.dtype or "",
        metric=best.metric,
        quality=best.quality,
        source=_spelled_out(best.source, facts.sources),
        note="; ".join(text for text in said if text),
    )


def _is_base(figure: FactFigure) -> bool:
    plain = figure.quantization in (None, "none") and figure.offload == "none" and figure.vae_mode == "full"
    sized = bool(figure.width and figure.height) and figure.batch == 1
    counted = figure.metric in WHOLE_PEAKS and figure.unit != "MB" and figure.quality in QUALITIES
    return plain and sized and counted and figure.runtime == "diffusers"


def _notes(fact: FactModel, scheduler: str | None) -> Iterator[str]:
    given, rule, licence = fact.recommended, fact.frame_rule, fact.licence.note
    if given.guidance_kind != "cfg":
        yield f"Guidance: {given.guidance_kind}."
    if scheduler is None and given.comfy_sampler:
        yield f"ComfyUI: sampler {given.comfy_sampler}, scheduler {given.comfy_scheduler}."
    if given.flow_shift is not None:
        shift = given.flow_shift
        yield f"Flow shift: {shift if isinstance(shift, str) else f'{shift:g}'}."
    if given.width and _size(fact) is None:
        yield f"Recommended is {given.width} × {given.height}, which one call of the pipeline does not take."
    texts = (rule.note if rule else None, given.note, fact.dimension_multiple.note, *fact.notes)
    yield from (f"{text.removesuffix('.')}." for text in texts if text and not text.startswith(OF_THE_FACTS))
    if licence:
        yield f"Licence: {licence}."


def _read_from(fact: FactModel) -> Iterator[str]:
    yield fact.recommended.source
    if fact.licence.source:
        yield f"licence: {fact.licence.source}"


def _spelled_out(text: str, sources: Mapping[str, str]) -> str:
    """Return a text with the places that it calls by short names."""
    return _WORD.sub(lambda found: _place(sources[found[0]]) if found[0] in sources else found[0], text)


_WORD = re.compile(r"\b\w+\b")


def _place(source: str) -> str:
    """Return a place without the remarks behind it."""
    place = re.split(r"[,;] ", source)[0]
    return place if place.count("(") == place.count(")") else place.partition(" (")[0]


HEADER = """\
# yaml-language-server: $schema=../schema/catalog.json
#
# What is known to work well with models that run on one's own machine: settings, sizes, memory. Shown beside the form
# of a model of these repositories (`hub`) or families; a model entry may also name tips itself (`tips: sdxl`).
# `vram` is a published peak without offloading or quantisation, the base of the rule of thumb for models whose code
# cannot be run without weights.
#
# Converted from collected facts by `python -m studio_kernel.catalog.tips`; the tips for the model that ships are in
# models/local.yaml. Add your own in <home>/catalog/, see README.md.

"""


def as_text(file: CatalogFile) -> str:
    """Return the file as YAML: short things in one line, longer ones a line an item."""
    return HEADER + str(
        yaml.dump(msgspec.to_builtins(file), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=118)
    )


class _Dumper(yaml.SafeDumper):
    """Writes what is short in one line."""


_Dumper.add_representer(tuple, lambda dumper, value: dumper.represent_sequence(_SEQUENCE, value, _is_short(value)))
_Dumper.add_representer(dict, lambda dumper, value: dumper.represent_mapping(_MAPPING, value, _is_short(value)))


def _is_short(value: object) -> bool:
    return len(str(value)) <= SHORT


def main(arguments: list[str]) -> int:
    """Convert the facts in one file into the catalog file that the second argument names."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m studio_kernel.catalog.tips FACTS.json TIPS.yaml\n")
        return 2
    facts, out = map(Path, arguments)
    file = convert(msgspec.json.decode(facts.read_bytes(), type=ready(Facts)), load())
    out.write_text(as_text(file), encoding="utf-8")
    known = sum(entry.vram is not None for entry in file.tips.values())
    sys.stdout.write(f"{len(file.tips)} tips, {known} with a published figure of memory\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
