"""``studio estimate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click

from studio_kernel import studio as studio_module
from studio_kernel.cli.options import ModelCommand, card_for, values_of
from studio_kernel.cli.output import json_option, print_facts, print_json
from studio_kernel.domain.estimate import Attention, DeviceKind, Offload, Setup
from studio_kernel.estimates import words


@click.command(cls=ModelCommand)
@click.argument("prompt", required=False)
@click.option("--model", "-m", help="Catalog id; the recommended model when left out.")
@click.option("--task", help="Told from the inputs when left out.")
@click.option("--device", type=click.Choice(get_args(DeviceKind)), help="The best one here when left out.")
@click.option("--dtype", default="", help="Such as float16; what is usual on the device when left out.")
@click.option("--quantisation", default="", help="Such as nf4, int8, fp8 or Q4_K; as the files have it when left out.")
@click.option("--offload", type=click.Choice(get_args(Offload)), default="none", show_default=True)
@click.option("--vae-tiling", is_flag=True, help="Decode in tiles.")
@click.option("--vae-slicing", is_flag=True, help="Decode one picture at a time.")
@click.option("--attention", type=click.Choice(get_args(Attention)), default="fused", show_default=True)
@json_option
@click.pass_obj
def estimate(
    home: Path | None,
    /,
    prompt: str | None,
    model: str | None,
    task: str | None,
    device: DeviceKind | None,
    dtype: str,
    quantisation: str,
    offload: Offload,
    vae_tiling: bool,
    vae_slicing: bool,
    attention: Attention,
    as_json: bool,
    **options: object,
) -> None:
    """Tell what a run of PROMPT would take – memory, time and money – without running it.

    The options below the line are those of the chosen model.
    """
    setup = Setup(device, dtype, quantisation, offload, vae_tiling, vae_slicing, attention)
    with studio_module.open(home) as studio:
        values: dict[str, Any] = values_of(options, card_for(studio, model, task))
        found = studio.estimate(prompt, model=model, task=task, setup=setup, **values)
    print_json(found.to_json()) if as_json else print_facts(dict(words.lines(found)))
