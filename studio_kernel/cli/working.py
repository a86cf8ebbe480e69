"""``studio worker`` and ``studio queue``: who works for the home, and what is next."""

from __future__ import annotations

import os
from pathlib import Path

import click

from studio_kernel import studio as studio_module
from studio_kernel.cli.output import json_option, print_json
from studio_kernel.cli.spending import accept_unknown_price_option
from studio_kernel.runlog import RunLog
from studio_kernel.settings import Home
from studio_kernel.worker import info, logs
from studio_kernel.worker.launch import Launcher

device_option = click.option("--device", help="What it computes on, such as cuda:1; what settings.toml says otherwise.")


@click.group()
def worker() -> None:
    """See to the process that works for the home; it goes on when notebooks and terminals are closed."""


@worker.command()
@json_option
@click.pass_obj
def status(home: Path | None, as_json: bool) -> None:
    """Say which workers there are and what they are at."""
    with studio_module.open(home, mode="viewer") as studio:
        workers = [_described(studio.home, told) for told in info.known(studio.home)]
        queue = studio.queue()
        frame = queue.frame()
        is_paused = queue.is_paused
    if as_json:
        print_json({"workers": workers, "paused": is_paused, "queue": frame.to_dict("records")})
        return
    for told in workers:
        state = "alive" if told["alive"] else f"not alive ({told['state']})"
        click.echo(f"worker for {told['device']}: {state}, process {told['pid']}, version {told['version']}")
        if told["error"]:
            click.echo(f"  {told['error']}")
    if not workers:
        click.echo("no worker yet; the first run starts one")
    waiting = int((frame["place"] > 0).sum())
    click.echo(f"{len(frame) - waiting} at work, {waiting} waiting{', paused' if is_paused else ''}")


@worker.command()
@device_option
@json_option
@click.pass_obj
def start(home: Path | None, device: str | None, as_json: bool) -> None:
    """Start a worker unless there is one; the first run does that by itself."""
    place = Home.at(home)
    place.prepare()
    with RunLog(place.runlog) as log:
        told = Launcher(place, log, device).ensure()
    if as_json:
        print_json(_described(place, told))
    else:
        click.echo(f"worker for {told.device}: process {told.pid}")


@worker.command()
@device_option
@click.option("--now", is_flag=True, help="Do not wait for the run at work; it goes back to the queue.")
@click.option("--timeout", type=float, help="Seconds to wait for its end.")
@json_option
@click.pass_obj
def stop(home: Path | None, device: str | None, now: bool, timeout: float | None, as_json: bool) -> None:
    """Let the worker end after the run it is at; what waits stays in the queue."""
    place = Home.at(home)
    place.require()
    with RunLog(place.runlog) as log:
        told = Launcher(place, log, device).stop(timeout=timeout, at_once=now)
    if as_json:
        print_json({"stopped": told.pid if told else None})
    else:
        click.echo(f"process {told.pid} has ended" if told else "no worker is alive")


@worker.command("logs")
@device_option
@click.option("--follow", "-f", is_flag=True, help="Go on with what is written from now on.")
@click.option("--lines", "-n", default=50, show_default=True, help="So many of the last lines first.")
@json_option
@click.pass_obj
def show_logs(home: Path | None, device: str | None, follow: bool, lines: int, as_json: bool) -> None:
    """Print the worker's log: what it did and why, without prompts."""
    place = Home.at(home)
    place.require()
    path = info.log_path(place, device or place.settings().worker.device)
    for line in logs.lines(path, lines, follow=follow):
        click.echo(line if as_json else logs.in_words(line))


def _described(home: Home, told: info.WorkerInfo) -> dict[str, object]:
    return {
        "device": told.device,
        "alive": info.is_alive(home, told),
        "pid": told.pid,
        "state": told.state,
        "version": told.version,
        "started_at": told.started_at.isoformat(),
        "error": told.error,
        "log": os.fspath(info.log_path(home, told.device)),
    }


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def queue(context: click.Context, as_json: bool) -> None:
    """Show what is at work and what waits, or change it."""
    if context.invoked_subcommand is not None:
        return
    with studio_module.open(context.obj, mode="viewer") as studio:
        current = studio.queue()
        frame, is_paused = current.frame(), current.is_paused
    if as_json:
        print_json({"paused": is_paused, "runs": frame.to_dict("records")})
    elif frame.empty:
        click.echo("nothing is at work and nothing waits" + (" (paused)" if is_paused else ""))
    else:
        shown = frame.drop(columns=["sweep_id"])
        click.echo(shown.to_string(index=False, max_colwidth=40, na_rep="", float_format="{:.1f}".format))
        if is_paused:
            click.echo("paused: nothing new is begun; studio queue resume goes on")


@queue.command()
@click.pass_obj
def pause(home: Path | None) -> None:
    """Begin nothing new; what is at work finishes."""
    with studio_module.open(home) as studio:
        studio.queue().pause()


@queue.command()
@click.pass_obj
def resume(home: Path | None) -> None:
    """Go on after pause."""
    with studio_module.open(home) as studio:
        studio.queue().resume()


@queue.command()
@click.argument("run_ids", nargs=-1, required=True)
@click.pass_obj
def first(home: Path | None, run_ids: tuple[str, ...]) -> None:
    """Put RUN_IDS before all others, in this order."""
    with studio_module.open(home) as studio:
        studio.queue().move_first(*(studio.run(run_id) for run_id in run_ids))


@queue.command()
@click.argument("run_id")
@click.argument("rank", type=int)
@click.pass_obj
def priority(home: Path | None, run_id: str, rank: int) -> None:
    """Give RUN_ID a RANK from -100 to 100; higher goes first, 0 is usual. Put -- before a negative one."""
    with studio_module.open(home) as studio:
        studio.queue().prioritise(studio.run(run_id), rank)


@queue.command()
@click.argument("run_ids", nargs=-1, required=True)
@click.pass_obj
def cancel(home: Path | None, run_ids: tuple[str, ...]) -> None:
    """Stop RUN_IDS, at work or waiting."""
    with studio_module.open(home) as studio:
        studio.cancel(*(studio.run(run_id) for run_id in run_ids))


@queue.command()
@click.argument("run_id")
@click.option("--may-pay-twice", is_flag=True, help="Also when it may have been charged, or could still be fetched.")
@accept_unknown_price_option
@json_option
@click.pass_obj
def retry(home: Path | None, run_id: str, may_pay_twice: bool, accept_unknown_price: bool, as_json: bool) -> None:
    """Put the request of RUN_ID into the queue once more, as a new run; what a service still has is fetched there."""
    with studio_module.open(home) as studio:
        made = studio.retry(run_id, accept_unknown_price=accept_unknown_price, may_pay_twice=may_pay_twice)
    print_json({"id": made.id}) if as_json else click.echo(made.id)


@queue.command("stop")
@click.option("--sweep", "sweep_id", help="Only the runs of this sweep.")
@click.pass_obj
def stop_after_current(home: Path | None, sweep_id: str | None) -> None:
    """Cancel what waits; what is at work finishes."""
    with studio_module.open(home) as studio:
        click.echo(f"{studio.queue().stop_after_current(sweep_id)} cancelled")
