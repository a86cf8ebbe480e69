"""``studio generate``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import click

from studio_kernel import studio as studio_module
from studio_kernel.cli.options import ModelCommand, card_for, values_of
from studio_kernel.cli.output import cost_of, json_option, print_facts, print_json, service_of
from studio_kernel.cli.spending import accept_unknown_price_option
from studio_kernel.domain.runs import RunStatus
from studio_kernel.run import Run
from studio_kernel.studio import Studio


@click.command(cls=ModelCommand)
@click.argument("prompt", required=False)
@click.option("--model", "-m", help="Catalog id; the recommended model when left out.")
@click.option("--task", help="Told from the inputs when left out.")
@click.option("--project", help="Project to put the run in.")
@click.option("--out", "-o", type=click.Path(path_type=Path), help="Also copy the picture here (a file or a folder).")
@click.option("--detach", is_flag=True, help="Print the run's id and return; the worker goes on.")
@click.option("--private", is_flag=True, help="Keep prompt and files out of the log; only the copy of --out stays.")
@accept_unknown_price_option
@json_option
@click.pass_obj
def generate(
    home: Path | None,
    /,
    prompt: str | None,
    model: str | None,
    task: str | None,
    project: str | None,
    out: Path | None,
    detach: bool,
    private: bool,
    accept_unknown_price: bool,
    as_json: bool,
    **options: object,
) -> None:
    """Make one run from PROMPT and wait for it.

    The options below the line are those of the chosen model.
    """
    if private and (detach or not out):
        raise click.UsageError("--private deletes the picture when the command ends: give --out, and no --detach")
    with studio_module.open(home) as studio:
        values: dict[str, Any] = values_of(options, card_for(studio, model, task))
        run = studio.submit(
            prompt,
            model=model,
            task=task,
            project=project,
            private=private,
            accept_unknown_price=accept_unknown_price,
            **values,
        )
        if detach:
            print_json({"id": run.id}) if as_json else click.echo(run.id)
            return
        _wait(run, progress_bar=not as_json)
        copies = _copy(studio, run, out) if out else []
        _report(studio, run, copies, as_json)
        if run.status is not RunStatus.SUCCEEDED:
            raise click.exceptions.Exit(1)


def _wait(run: Run, *, progress_bar: bool) -> None:
    """Wait; Ctrl-C cancels the run, which would go on without this command otherwise."""
    try:
        run.wait(progress_bar=progress_bar)
    except KeyboardInterrupt:
        run.cancel()
        raise


def _copy(studio: Studio, run: Run, out: Path) -> list[Path]:
    """Copy the run's files to a file name, or into a folder under the names of their runs."""
    copies = []
    into_folder = out.is_dir() or not out.suffix
    for asset in run.assets:
        source = studio.store_of(asset).path(asset)
        number = f"-{asset.index}" if len(run.assets) > 1 else ""
        target = out / f"{run.id}{number}{source.suffix}" if into_folder else out.with_stem(out.stem + number)
        target.parent.mkdir(parents=True, exist_ok=True)
        copies.append(Path(shutil.copyfile(source, target)))
    return copies


def _report(studio: Studio, run: Run, copies: list[Path], as_json: bool) -> None:
    files = [str(studio.store_of(asset).path(asset)) for asset in run.assets]
    if as_json:
        print_json({**run.record.to_json(), "files": files, "copies": [str(copy) for copy in copies]})
        return
    print_facts(
        {
            "run": run.id,
            "status": run.status,
            "model": run.request.model,
            "seed": run.seed,
            "took": f"{run.elapsed_s:.2f} s" if run.elapsed_s is not None else "",
            "service": service_of(run.record),
            "cost": cost_of(run.record),
            "error": run.error,
            "file": "\n      ".join(map(str, copies or files)),
        }
    )
