"""How many runs there are of each model, status, rating and so on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from studio_kernel.runlog.patch import KINDS_OF_MEDIA
from studio_kernel.runlog.queries.filters import RunFilter, condition_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class Facets:
    """How many runs there are of each kind, most first.

    Attributes
    ----------
    total : int
        All runs the filter lets through.
    favourites : int
        The favourites among them.
    model, engine, task, status, project, tag : mapping
        Value → number of runs; runs without a value are left out.
    rating : mapping
        Stars → number of runs, 5 first.
    kind : mapping
        ``image``, ``video``, ``audio`` → number of runs that made such a file.
    """

    total: int = 0
    favourites: int = 0
    model: Mapping[str, int] = field(default_factory=dict)
    engine: Mapping[str, int] = field(default_factory=dict)
    task: Mapping[str, int] = field(default_factory=dict)
    status: Mapping[str, int] = field(default_factory=dict)
    project: Mapping[str, int] = field(default_factory=dict)
    tag: Mapping[str, int] = field(default_factory=dict)
    rating: Mapping[int, int] = field(default_factory=dict)
    kind: Mapping[str, int] = field(default_factory=dict)


def facets(connection: DuckDBPyConnection, wanted: RunFilter) -> Facets:
    """Return how many runs there are of each kind."""
    where = condition_of(wanted)
    names = ("model", "engine", "task", "status", "project", "rating", "media")
    rows = connection.execute(
        f"SELECT grouping_id({', '.join(names)}), {', '.join(names)}, count(*), count(*) FILTER (favourite) "
        f"FROM all_runs WHERE {where.sql} GROUP BY GROUPING SETS ((), {', '.join(f'({name})' for name in names)})",
        where.values,
    ).fetchall()
    counted: dict[str, dict[object, int]] = {name: {} for name in names}
    total = favourites = 0
    grouped_by = {(1 << len(names)) - 1 - (1 << (len(names) - 1 - i)): name for i, name in enumerate(names)}
    for which, *values, number, starred in rows:
        name = grouped_by.get(which)
        if name is None:
            total, favourites = number, starred
        elif (value := values[names.index(name)]) is not None:
            counted[name][value] = number
    tags = connection.execute(
        f"SELECT tag, count(*) FROM (SELECT unnest(tags) AS tag FROM all_runs WHERE {where.sql}) GROUP BY tag",
        where.values,
    ).fetchall()
    texts = {name: _most_first(cast(dict[str, int], counted[name])) for name in names[:5]}
    rating = dict(sorted(cast(dict[int, int], counted["rating"]).items(), reverse=True))
    kind = _kinds(cast(dict[int, int], counted["media"]))
    return Facets(total, favourites, tag=_most_first(dict(tags)), rating=rating, kind=kind, **texts)


def _kinds(by_media: Mapping[int, int]) -> dict[str, int]:
    """Return kind → number of runs, from the number of runs of each combination of kinds."""
    counted = {
        kind: sum(number for media, number in by_media.items() if media & bit) for kind, bit in KINDS_OF_MEDIA.items()
    }
    return _most_first({kind: number for kind, number in counted.items() if number})


def _most_first(counted: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))
