"""``studio rank``: what the votes come to."""

from __future__ import annotations

from pathlib import Path

import click

from studio_kernel import studio as studio_module
from studio_kernel.cli.output import json_option, print_json, rows_of
from studio_kernel.judging.ranking import CONFIDENCE, Ranking
from studio_kernel.runlog import RunFilter


@click.command()
@click.option("--by", default="model", show_default=True, help="run, model, prompt, preset, project, a parameter, …")
@click.option("--ballot", help="Only votes of this ballot.")
@click.option("--rater", help="Only votes of this rater.")
@click.option("--project", help="Only runs of this project.")
@click.option("--sweep", "sweep_id", help="Only cells of this sweep, by its id or a part of it.")
@click.option("--confidence", type=float, default=CONFIDENCE, show_default=True, help="Of the intervals.")
@json_option
@click.pass_obj
def rank(
    home: Path | None,
    by: str,
    ballot: str | None,
    rater: str | None,
    project: str | None,
    sweep_id: str | None,
    confidence: float,
    as_json: bool,
) -> None:
    """Show which model, prompt, preset or value is the best by the votes, and how sure that is."""
    with studio_module.open(home, mode="viewer") as studio:
        runs = studio.sweep_of(sweep_id) if sweep_id else RunFilter(project=project) if project else None
        if sweep_id and project:
            raise click.UsageError("--sweep and --project exclude each other")
        ranking = studio.ranking(by, runs=runs, ballot=ballot, rater=rater, confidence=confidence)
    if as_json:
        print_json(_facts(ranking))
    else:
        click.echo(str(ranking))


def _facts(ranking: Ranking) -> dict[str, object]:
    agreement = ranking.agreement
    return {
        "by": ranking.by,
        "confidence": ranking.confidence,
        "groups": rows_of(ranking.table),
        "votes": ranking.counted,
        "left_out": ranking.left_out,
        "is_enough": ranking.is_enough,
        "missing": {"votes": ranking.missing.votes, "text": ranking.missing.text},
        "unconnected": [list(part) for part in ranking.unconnected],
        "agreement": agreement and {"alpha": agreement.alpha, "pairs": agreement.pairs, "raters": agreement.raters},
    }
