"""``studio runs`` and ``show``: looking, nothing else."""

from __future__ import annotations

import json
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

import click

from studio_kernel import studio as studio_module
from studio_kernel.cli.output import cost_of, json_option, print_facts, print_json, service_of
from studio_kernel.domain.budget import dollars
from studio_kernel.domain.values import describe, to_json

if TYPE_CHECKING:
    import pandas as pd


@click.command()
@click.option("--model", "-m", help="Only runs of this model.")
@click.option("--status", help="Only runs of this status.")
@click.option("--text", help="Only runs whose prompt holds these words.")
@click.option("--favourite", is_flag=True, help="Only favourites.")
@click.option("--where", help='A condition in SQL, such as "guidance_scale > 5".')
@click.option("--limit", "-n", default=20, show_default=True, help="At most so many, newest first; 0 = all.")
@json_option
@click.pass_obj
def runs(
    home: Path | None,
    model: str | None,
    status: str | None,
    text: str | None,
    favourite: bool,
    where: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List runs, newest first."""
    filters = {"model": model, "status": status, "text": text, "favourite": favourite or None}
    with studio_module.open(home) as studio:
        given = {name: value for name, value in filters.items() if value is not None}
        frame = studio.runs(where=where, limit=limit or None, **given)
    if as_json:
        click.echo(frame.to_json(orient="records", date_format="iso", indent=2))
    elif frame.empty:
        click.echo("no runs")
    else:
        click.echo(_table(frame))


def _table(frame: pd.DataFrame) -> str:
    """Return runs as text; cents have digits enough to be told from nothing."""
    frame["created_at"] = frame["created_at"].dt.strftime("%Y-%m-%d %H:%M:%S")
    frame["service"] = [json.loads(said or "{}").get("service", "") for said in frame["provenance"]]
    frame["cost"] = ["" if isnan(usd) else dollars(usd) for usd in frame["cost_usd"].astype(float)]
    columns = ["id", "created_at", "status", "model", "service", "prompt", "seed", "elapsed_s", "cost"]
    shown = [name for name in columns if name not in ("service", "cost") or frame[name].any()]
    return str(frame[shown].to_string(index=False, max_colwidth=48, na_rep="", float_format="{:.2f}".format))


@click.command()
@click.argument("run_id")
@json_option
@click.pass_obj
def show(home: Path | None, run_id: str, as_json: bool) -> None:
    """Show everything the log knows about RUN_ID."""
    with studio_module.open(home) as studio:
        record = studio.run(run_id).record
        files = [str(studio.assets.path(asset)) for asset in record.assets]
    if as_json:
        print_json({**record.to_json(), "files": files})
        return
    request = record.request
    print_facts(
        {
            "run": record.id,
            "status": record.status,
            "created": record.created_at.isoformat(timespec="seconds"),
            "model": request.model,
            "task": request.task,
            **{name: describe(value) for name, value in request.parameters.items()},
            "took": f"{record.elapsed_s:.2f} s" if record.elapsed_s is not None else "",
            "service": service_of(record),
            "cost": cost_of(record),
            "error": record.error,
            **{f"made by: {name}": to_json(value) for name, value in record.provenance.items()},
            "rating": record.rating,
            "tags": ", ".join(record.tags),
            "note": record.note,
            "file": "\n".join(files),
        }
    )
