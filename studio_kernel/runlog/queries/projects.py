"""Questions about projects and what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio_kernel.domain.marks import Project, ProjectCard
from studio_kernel.runlog.patch import KINDS_OF_MEDIA
from studio_kernel.runlog.queries.assets import assets_of, first_shown
from studio_kernel.runlog.queries.rows import aware, mapping

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def projects(connection: DuckDBPyConnection) -> list[Project]:
    """Return every project, newest first."""
    rows = connection.execute(
        "SELECT id, title, description, archived, created_at, settings, changed_at FROM projects "
        "ORDER BY created_at DESC, id"
    ).fetchall()
    return [
        Project(
            name,
            title or name,
            description or "",
            bool(archived),
            aware(created_at),
            mapping(settings),
            aware(changed_at),
        )
        for name, title, description, archived, created_at, settings, changed_at in rows
    ]


def project_contents(connection: DuckDBPyConnection, covers: int = 4) -> dict[str, ProjectCard]:
    """Return what is in each project that a run names, by its id; the projects themselves are not looked up."""
    rows = connection.execute(
        "SELECT project, count(*), max(coalesce(finished_at, started_at, created_at)), "
        "arg_max(id, created_at, $covers) FILTER (media & $shown <> 0) "
        "FROM all_runs WHERE project IS NOT NULL AND NOT deleted GROUP BY project",
        {"covers": covers, "shown": KINDS_OF_MEDIA["image"] | KINDS_OF_MEDIA["video"]},
    ).fetchall()
    files = dict(
        connection.execute(
            "SELECT project, count(*) FROM assets JOIN (SELECT id, project FROM runs WHERE project IS NOT NULL) AS run "
            "ON run_id = run.id WHERE role = 'output' GROUP BY project"
        ).fetchall()
    )
    costs = dict(
        connection.execute(
            "SELECT project, fsum(coalesce(billed_usd, estimated_usd, 0)) FROM costs WHERE project IS NOT NULL "
            "GROUP BY project"
        ).fetchall()
    )
    assets = assets_of(connection, [str(run_id) for *_, newest in rows for run_id in newest or ()])
    return {
        name: ProjectCard(
            Project(name, name),
            runs,
            files.get(name, 0),
            costs.get(name, 0.0),
            aware(changed_at),
            first_shown([assets[str(run_id)] for run_id in newest or ()], covers),
        )
        for name, runs, changed_at, newest in rows
    }
