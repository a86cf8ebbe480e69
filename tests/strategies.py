"""Hypothesis strategies for the words of the studio: values, requests, marks, assets."""

from __future__ import annotations

from hypothesis import strategies as st

from studio_kernel.domain.assets import Asset
from studio_kernel.domain.marks import Mark
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import Origin, RunEstimate
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import AssetRef, Lora

# Everything UTF-8 can hold, control characters and NUL included; lone surrogates it cannot.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
seeds = st.integers(0, 2**64 - 1)
uuids = st.uuids(version=4).map(str)
numbers = st.floats(allow_nan=False, allow_infinity=False)

asset_refs = st.builds(AssetRef, digests, st.sampled_from(["image/png", "video/mp4"]))
loras = st.builds(Lora, texts, st.floats(-4, 4))
scalars = st.none() | st.booleans() | st.integers() | numbers | texts | asset_refs | loras


def values() -> st.SearchStrategy[object]:
    """Anything a request can hold, nested."""
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
    )


def mappings() -> st.SearchStrategy[dict[str, object]]:
    """What provenance and outcomes hold."""
    return st.dictionaries(names, values(), max_size=4)


@st.composite
def requests(draw: st.DrawFn) -> GenerationRequest:
    """Requests with the usual parameters and unusual ones."""
    usual = st.fixed_dictionaries(
        {},
        optional={
            "prompt": texts,
            "negative_prompt": texts,
            "seed": seeds,
            "width": st.integers(64, 2048),
            "num_inference_steps": st.integers(1, 150),
            "guidance_scale": st.floats(0, 30),
            "strength": st.floats(0, 1),
            "scheduler": names,
            "image": asset_refs,
            "loras": st.lists(loras, max_size=2),
        },
    )
    parameters = draw(st.dictionaries(names, values(), max_size=3)) | draw(usual)
    return GenerationRequest(draw(names), draw(st.sampled_from(list(Task))), parameters)


estimates = st.none() | st.builds(
    RunEstimate,
    cost_usd=st.none() | st.floats(0, 1e6),
    seconds=st.none() | st.floats(0, 1e9),
    vram_bytes=st.integers(0, 2**62),
)
origins = st.builds(
    Origin,
    project=st.none() | names,
    sweep_id=st.none() | uuids,
    cell=st.just({}),
    parent_id=st.none() | uuids,
    prompt_template=st.none() | texts,
    batch_size=st.integers(1, 64),
)

tags = st.lists(texts.filter(lambda text: bool(text.strip())), max_size=3).map(tuple)
marks = st.builds(
    Mark,
    rating=st.none() | st.integers(0, 5),
    favourite=st.none() | st.booleans(),
    tags=st.none() | tags,
    note=st.none() | texts,
    by=st.sampled_from(["", "Ada", "Bob"]),
)


@st.composite
def outputs(draw: st.DrawFn) -> tuple[Asset, ...]:
    """The files of one run, in order."""
    count = draw(st.integers(0, 3))
    sides = st.none() | st.integers(1, 4096)
    return tuple(
        Asset(draw(digests), "image/png", draw(st.integers(0, 2**40)), draw(sides), draw(sides), i, draw(seeds))
        for i in range(count)
    )
