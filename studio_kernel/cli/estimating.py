"""``studio estimate`` and ``studio architecture``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from studio_kernel import studio as studio_module
from studio_kernel.cli.options import ModelCommand, card_for, values_of
from studio_kernel.cli.output import json_option, print_facts, print_json
from studio_kernel.domain import words
from studio_kernel.domain.estimate import Attention, DeviceKind, Estimate, Offload, Setup
from studio_kernel.estimates.vram.architectures import architectures

Command = TypeVar("Command", bound=Callable[..., object])


def _setup_options(command: Command) -> Command:
    """Give a command the options that say how a model is held; it is handed them as ``setup``."""

    @functools.wraps(command)
    def with_setup(
        *args: object,
        device: DeviceKind | None,
        dtype: str,
        quantisation: str,
        offload: Offload,
        vae_tiling: bool,
        vae_slicing: bool,
        attention: Attention,
        **options: object,
    ) -> object:
        setup = Setup(device, dtype, quantisation, offload, vae_tiling, vae_slicing, attention)
        return command(*args, setup=setup, **options)

    for option in reversed(SETUP):
        with_setup = option(with_setup)
    return with_setup  # type: ignore[return-value]  # takes the options in place of the setup


SETUP = (
    click.option("--device", type=click.Choice(get_args(DeviceKind)), help="The best one here when left out."),
    click.option("--dtype", default="", help="Such as float16; what is usual when left out."),
    click.option(
        "--quantisation", default="", help="Such as nf4, int8, fp8 or Q4_K; as the files have it when left out."
    ),
    click.option("--offload", type=click.Choice(get_args(Offload)), default="none", show_default=True),
    click.option("--vae-tiling", is_flag=True, help="Decode in tiles."),
    click.option("--vae-slicing", is_flag=True, help="Decode one picture at a time."),
    click.option("--attention", type=click.Choice(get_args(Attention)), default="fused", show_default=True),
)


@click.command(cls=ModelCommand)
@click.argument("prompt", required=False)
@click.option("--model", "-m", help="Catalog id; the recommended model when left out.")
@click.option("--task", help="Told from the inputs when left out.")
@_setup_options
@json_option
@click.pass_obj
def estimate(
    home: Path | None,
    /,
    prompt: str | None,
    model: str | None,
    task: str | None,
    setup: Setup,
    as_json: bool,
    **options: object,
) -> None:
    """Tell what a run of PROMPT would take – memory, time and money – without running it.

    The options below the line are those of the chosen model.
    """
    with studio_module.open(home) as studio:
        values: dict[str, Any] = values_of(options, card_for(studio, model, task))
        found = studio.estimate(prompt, model=model, task=task, setup=setup, **values)
    print_json(found.to_json()) if as_json else print_facts(dict(words.lines(found)))


@click.command()
@click.argument("name", required=False)
@click.option("--width", type=click.IntRange(min=8), help="Pixels; the usual ones when left out.")
@click.option("--height", type=click.IntRange(min=8), help="Pixels; the usual ones when left out.")
@click.option("--num-frames", type=click.IntRange(min=1), help="Of a clip.")
@click.option("--num-images", type=click.IntRange(min=1), default=1, show_default=True, help="In one call.")
@click.option("--unguided", is_flag=True, help="Without classifier-free guidance.")
@_setup_options
@json_option
@click.pass_obj
def architecture(
    home: Path | None,
    /,
    name: str | None,
    width: int | None,
    height: int | None,
    num_frames: int | None,
    num_images: int,
    unguided: bool,
    setup: Setup,
    as_json: bool,
) -> None:
    """Tell the memory of the well-known model NAME, before it is downloaded; list them without a NAME."""
    if name is None:
        print_json(list(architectures())) if as_json else click.echo("\n".join(architectures()))
        return
    with studio_module.open(home) as studio:
        found = studio.estimate_architecture(
            name,
            width=width,
            height=height,
            num_frames=num_frames,
            num_images=num_images,
            guided=not unguided,
            setup=setup,
        )
    if as_json:
        print_json(Estimate(found, None).to_json()["memory"])
        return
    print_facts({**words.memory_lines(found), "warnings": "; ".join(found.warnings)})
