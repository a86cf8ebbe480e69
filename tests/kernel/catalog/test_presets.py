"""Presets, styles and export presets as catalog files: those that ship, and a user's own."""

import pytest

from studio_kernel.catalog.loader import load
from studio_kernel.domain.shapes import ratio_of
from studio_kernel.domain.values import Lora
from user_catalog import load_with, problems_of

CATALOG = load()


@pytest.mark.parametrize("preset", CATALOG.presets.values(), ids=list(CATALOG.presets))
def test_a_shipped_preset_never_makes_a_request_invalid_and_helps_some_models(preset):
    helped = 0
    for card in CATALOG.models.values():
        for task in card.tasks:
            if preset.task in ("", task):
                applied = preset.applied(card.parameters_for(task))
                problems = card.problems(task, applied.values)
                assert not [problem for problem in problems if problem.field in applied.values], card.id
                helped += bool(applied.values)
    assert helped >= 5


@pytest.mark.parametrize("preset", [each for each in CATALOG.presets.values() if each.shape])
def test_a_shape_comes_out_as_it_was_asked_for(preset):
    applied = preset.applied(CATALOG.models["studio-tiny"].parameters)
    assert applied.values["width"] / applied.values["height"] == pytest.approx(ratio_of(preset.shape), rel=0.1)


@pytest.mark.parametrize("style", CATALOG.styles.values(), ids=list(CATALOG.styles))
def test_a_shipped_style_needs_one_field_at_most(style):
    needed = [name for name in style.fields if name not in style.defaults]
    assert len(needed) == 1
    text = style.fill({needed[0]: "a red boat"})
    assert "a red boat" in text
    assert "{" not in text


def test_what_ships_is_not_ones_own():
    shipped = [*CATALOG.presets.values(), *CATALOG.styles.values(), *CATALOG.export_presets.values()]
    assert not any(each.own for each in shipped)
    assert len(shipped) >= 30


def test_the_export_presets_of_prints_have_the_pixels_of_their_paper():
    for key, millimetres in {"print-a4": (210, 297), "print-a3": (297, 420), "print-10x15": (100, 150)}.items():
        preset = CATALOG.export_presets[key]
        assert (preset.width, preset.height) == tuple(round(side / 25.4 * preset.dpi) for side in millimetres)


def test_a_user_adds_and_covers_entries(tmp_path):
    catalog = load_with(
        tmp_path,
        mine="""
        presets:
          draft: {name: My draft, values: {num_inference_steps: 8, loras: [{$lora: ink, weight: 0.5}]}}
          mine: {task: text-to-image, model: studio-tiny}
        styles:
          neon: {text: "{prompt}, neon"}
        export_presets:
          tiny: {format: webp, width: 64}
        """,
    )
    assert catalog.problems == ()
    assert catalog.presets["draft"].values == {"num_inference_steps": 8, "loras": (Lora("ink", 0.5),)}
    assert catalog.presets["mine"].own
    assert catalog.styles["neon"].own
    assert catalog.export_presets["tiny"].width == 64
    assert len(catalog.presets) == len(CATALOG.presets) + 1


def test_each_mistake_is_told_and_costs_its_entry_alone(tmp_path):
    catalog = load_with(
        tmp_path,
        mine="""
        presets:
          a: {shape: wide}
          b: {values: {image: {$asset: abc, media_type: image/png}}}
          good: {shape: "1:1"}
        styles:
          c: {text: "{prompt}", defaults: {promt: x}}
        export_presets:
          d: {fit: cover, format: png}
          e: {format: original, width: 10}
          f: {format: gif}
        """,
    )
    told = problems_of(catalog)
    assert {place.split(": ", 1)[1] for place in told} == {
        "a: shape", "b: values.image", "c: defaults.promt", "d: fit", "e: format", "f: format",
    }  # fmt: skip
    assert "good" in catalog.presets


def test_the_files_of_runs_are_no_part_of_a_preset(tmp_path):
    catalog = load_with(tmp_path, mine="presets: {b: {values: {x: [{$asset: abc, media_type: image/png}]}}}")
    assert "is a file" in next(iter(problems_of(catalog).values()))
