"""Reading the whole catalog: the files that ship, what services said since, and the user's own over both.

A mistake in a file that ships is a fault of this version and raises `CatalogError` with all of them. A mistake in a
user's file costs that entry alone: it is left out (a shipped entry of that id stays), everything else is used, and
`Catalog.problems` tells about it. Files that ship are decoded strictly at every start, but their values are held
against each other only by `check_shipped` (tests and ``studio doctor``), because that takes longer than reading them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from immutabledict import immutabledict

from studio_kernel.catalog import build, presets
from studio_kernel.catalog.checks import offer_mistakes
from studio_kernel.catalog.entries import ModelEntry
from studio_kernel.catalog.files import Source, read_source
from studio_kernel.catalog.mistakes import Mistake
from studio_kernel.catalog.wildcards import WildcardFile, assemble, read_wildcards
from studio_kernel.domain.model import LoraCard, ModelCard, SchedulerCard
from studio_kernel.domain.presets import ExportPreset, Preset, Style
from studio_kernel.domain.tips import Tips
from studio_kernel.errors import CatalogError, Problem
from studio_kernel.settings import data_dir

T = TypeVar("T")

REFRESHED = "refreshed"
"""Directory, below that of the user's files, of what services said when they were asked last."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything the catalog files say.

    Attributes
    ----------
    tips : mapping
        Id → what is known to work well with a model; `tips_for` finds those of a model.
    wildcards : mapping
        Name → the texts that ``__name__`` in a prompt stands for.
    problems : tuple of Problem
        Mistakes in the user's own files; the entries they stand in were left out.
    overridden : mapping
        Model id → the user's file that replaces the shipped entry of that id.
    presets, styles, export_presets : mapping
        Id → what people use again: settings, prompts with gaps, ways for pictures to leave the studio.
    own : mapping
        Model id → the user's file that it stands in.
    """

    models: Mapping[str, ModelCard] = field(default_factory=immutabledict)
    schedulers: Mapping[str, SchedulerCard] = field(default_factory=immutabledict)
    loras: Mapping[str, LoraCard] = field(default_factory=immutabledict)
    families: Mapping[str, build.Family] = field(default_factory=immutabledict)
    wildcards: Mapping[str, tuple[str, ...]] = field(default_factory=immutabledict)
    problems: tuple[Problem, ...] = ()
    overridden: Mapping[str, str] = field(default_factory=immutabledict)
    tips: Mapping[str, Tips] = field(default_factory=immutabledict)
    presets: Mapping[str, Preset] = field(default_factory=immutabledict)
    styles: Mapping[str, Style] = field(default_factory=immutabledict)
    export_presets: Mapping[str, ExportPreset] = field(default_factory=immutabledict)
    own: Mapping[str, str] = field(default_factory=immutabledict)

    def tips_for(self, card: ModelCard) -> Tips | None:
        """Return the tips for a model: those its entry names, else those of its repository, else of its family."""
        return self.tips.get(card.tips)


def load(user_directory: Path | None = None, data: Path | None = None) -> Catalog:
    """Return the catalog: what ships, with the user's own entries over it.

    Parameters
    ----------
    user_directory : pathlib.Path or None
        Where the user's ``.yaml`` files and wildcards are, usually `Home.catalog`; it need not exist. Relative paths
        in them start from it.
    data : pathlib.Path or None
        The data directory to read in place of the one that ships. Relative paths in its catalog start from it.

    Raises
    ------
    CatalogError
        When a file that ships has mistakes.
    """
    shipped = data or data_dir()
    own = [*_refreshed_sources(user_directory), *_user_sources(user_directory)]
    own_wildcards = [] if user_directory is None else read_wildcards(user_directory, shipped=False)
    if not own and not own_wildcards:
        return _shipped(shipped, _stamp(shipped / "catalog"))
    wildcards = read_wildcards(shipped / "catalog", shipped=True) + own_wildcards
    return _Assembly(check_shipped=False).catalog([*_shipped_sources(shipped), *own], wildcards)


@lru_cache(maxsize=2)
def _shipped(data: Path, _as_of: object) -> Catalog:
    """Return the catalog of a home that has nothing of its own, read once in a process while the files stay."""
    wildcards = read_wildcards(data / "catalog", shipped=True)
    return _Assembly(check_shipped=False).catalog(_shipped_sources(data), wildcards)


def _stamp(directory: Path) -> tuple[tuple[str, int, int], ...]:
    """Return what changes when a file below `directory` does."""
    found = ((str(path), path.stat()) for path in sorted(directory.rglob("*.*")))
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in found)


def entries_of(engine: str, user_directory: Path | None = None) -> dict[str, ModelEntry]:
    """Return the entries of the models of an engine as they stand in the files, without the user's own."""
    found: dict[str, ModelEntry] = {}
    for source in [*_shipped_sources(data_dir()), *_refreshed_sources(user_directory)]:
        for key, entry in source.content.models.items():
            if entry.engine == engine and (key not in found or entry.as_of >= found[key].as_of):
                found[key] = entry
    return found


def check_shipped(data: Path | None = None) -> None:
    """Hold every shipped entry against every rule.

    Raises
    ------
    CatalogError
        With all mistakes.
    """
    directory = data or data_dir()
    wildcards = read_wildcards(directory / "catalog", shipped=True)
    _Assembly(check_shipped=True).catalog(_shipped_sources(directory), wildcards)


def _shipped_sources(data: Path) -> list[Source]:
    directory = data / "catalog"
    paths = sorted([*directory.rglob("*.yaml"), *directory.rglob("*.json")])
    return [read_source(path, path.relative_to(directory).as_posix(), base=data, shipped=True) for path in paths]


def _refreshed_sources(directory: Path | None) -> list[Source]:
    """Read what was fetched from services; the files are in a directory of their own."""
    if directory is None:
        return []
    paths = sorted((directory / REFRESHED).glob("*.json"))
    found = (read_source(path, f"{REFRESHED}/{path.name}", directory.absolute(), shipped=False) for path in paths)
    return [replace(source, refreshed=True) for source in found]


def _user_sources(directory: Path | None) -> list[Source]:
    """Read the files in `directory` itself; what is below may be weights, which have configuration files too."""
    if directory is None:
        return []
    paths = sorted([*directory.glob("*.yaml"), *directory.glob("*.yml")])
    return [read_source(path, path.name, base=directory.absolute(), shipped=False) for path in paths]


class _Assembly:
    """Puts the entries of many files together: schedulers and tips first, because the others refer to them."""

    def __init__(self, *, check_shipped: bool) -> None:
        self._check_shipped = check_shipped
        self._shelf = build.Shelf()
        self._models: dict[str, ModelCard] = {}
        self._loras: dict[str, LoraCard] = {}
        self._origins: dict[tuple[str, str], Source] = {}
        self._overridden: dict[str, str] = {}
        self._own: dict[str, str] = {}
        self._shipped_problems: list[Problem] = []
        self._user_problems: list[Problem] = []

    def catalog(self, sources: list[Source], wildcard_files: list[WildcardFile]) -> Catalog:
        for source in sources:
            self._report(source, source.problems)
        self._add_schedulers(sources)
        self._add_tips(sources)
        self._add_families(sources)
        for source, key, entry in self._each("loras", sources):
            card, mistakes = build.lora(key, entry, self._shelf)
            if self._is_good("loras", source, key, mistakes):
                self._loras[key] = card
        for source, key, entry in self._each("models", sources):
            if source.refreshed and key in self._models and self._models[key].as_of > entry.as_of:
                continue  # this version ships what was read later
            model, mistakes = build.model(key, entry, self._shelf)
            if self._is_good("models", source, key, mistakes):
                self._models[key] = self._noted(source, model)
        self._check_offers()
        chosen = self._built("presets", sources, presets.preset)
        styles = self._built("styles", sources, presets.style)
        export_presets = self._built("export_presets", sources, presets.export_preset)
        wildcards, problems = assemble(wildcard_files)
        for file, problem in problems:
            self._report(file, [problem])
        if self._shipped_problems:
            raise CatalogError(self._shipped_problems)
        return Catalog(
            immutabledict(self._models),
            immutabledict(self._shelf.schedulers),
            immutabledict(self._loras),
            immutabledict(self._shelf.families),
            wildcards,
            tuple(self._user_problems),
            immutabledict(self._overridden),
            immutabledict(self._shelf.tips),
            chosen,
            styles,
            export_presets,
            immutabledict(self._own),
        )

    def _built(
        self, section: str, sources: list[Source], make: Callable[..., tuple[T, list[Mistake]]]
    ) -> Mapping[str, T]:
        """Return the things of a section that refer to nothing else; of two of one id the user's own."""
        found: dict[str, T] = {}
        for source, key, entry in self._each(section, sources):
            thing, mistakes = make(key, entry, own=source.is_own)
            if self._is_good(section, source, key, mistakes):
                found[key] = thing
        return immutabledict(found)

    def _check_offers(self) -> None:
        """Leave out offers that name what is not there; known only when all models are.

        Of a shipped model an offer can be spoilt by an entry of the user's that replaces what it names: no fault of
        this version, and the other offers stay.
        """
        for key, card in [(key, card) for key, card in self._models.items() if card.offers]:
            source = self._origins["models", key]
            if source.shipped and not self._check_shipped and not self._overridden:
                continue
            mistakes = {offer: list(offer_mistakes(card, offer, self._models)) for offer in card.offers}
            if not source.shipped or self._check_shipped:
                self._report(source, [each.at(source.name, key) for found in mistakes.values() for each in found])
            good = tuple(offer for offer, found in mistakes.items() if not found)
            if good:
                self._models[key] = replace(card, offers=good)
            else:
                del self._models[key]

    def _add_schedulers(self, sources: list[Source]) -> None:
        group_of: dict[str, str] = {}
        for source, key, entry in self._each("schedulers", sources):
            card, mistakes = build.scheduler(key, entry, self._shelf)
            if self._is_good("schedulers", source, key, mistakes):
                self._shelf.schedulers[key] = card
                group_of[key] = entry.group
        for group in dict.fromkeys(group_of.values()):
            self._shelf.groups[group] = tuple(key for key, of in group_of.items() if of == group)

    def _add_tips(self, sources: list[Source]) -> None:
        self._shelf.family_names = frozenset(key for source in sources for key in source.content.families)
        for source, key, entry in self._each("tips", sources):
            tips, mistakes = build.tips(key, entry, self._shelf)
            if self._is_good("tips", source, key, mistakes):
                self._shelf.keep_tips(tips)

    def _add_families(self, sources: list[Source]) -> None:
        entries = list(self._each("families", sources))
        for source, key, entry in sorted(entries, key=lambda item: bool(item[2].based_on)):
            self._enter(source)
            family, mistakes = build.family(key, entry, self._shelf)
            if self._is_good("families", source, key, mistakes):
                self._shelf.families[key] = family

    def _each(self, section: str, sources: Iterable[Source]) -> Iterator[tuple[Source, str, Any]]:
        """Yield the entries of one section of all files, with the shelf set to the file."""
        for source in sources:
            for key, entry in getattr(source.content, section).items():
                self._enter(source)
                yield source, key, entry

    def _enter(self, source: Source) -> None:
        self._shelf.base = source.base
        self._shelf.shipped = source.shipped
        self._shelf.checked = self._check_shipped or not source.shipped

    def _is_good(self, section: str, source: Source, key: str, mistakes: list[Mistake]) -> bool:
        """Report the mistakes of an entry; return whether it has none and its id is free."""
        found = list(mistakes)
        earlier = self._origins.get((section, key))
        if earlier is not None and earlier.layer == source.layer:
            found.append(Mistake("", f"stands in {earlier.name} too; an id is given once"))
        self._report(source, [mistake.at(source.name, key) for mistake in found])
        if found:
            return False
        self._origins[section, key] = source
        if section == "models" and not source.shipped and not source.refreshed:
            self._own[key] = source.name
        if earlier is not None and section == "models" and not source.refreshed:
            self._overridden[key] = source.name
        return True

    def _noted(self, source: Source, card: ModelCard) -> ModelCard:
        if card.id not in self._overridden:
            return card
        return replace(card, note=f"{card.note} Replaces the shipped entry ({source.name}).".lstrip())

    def _report(self, source: Source | WildcardFile, problems: Iterable[Problem]) -> None:
        (self._shipped_problems if source.shipped else self._user_problems).extend(problems)
