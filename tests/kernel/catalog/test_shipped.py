import subprocess
import sys
from collections import Counter
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_kernel.catalog.entries import ParameterEntry
from studio_kernel.catalog.loader import check_shipped, load
from studio_kernel.catalog.reference import generated
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import AssetRef
from studio_kernel.settings import data_dir

CATALOG = load()
CARDS = list(CATALOG.models.values())
REQUESTS = [(card, task) for card in CARDS for task in card.tasks]


def test_every_shipped_entry_follows_every_rule() -> None:
    check_shipped()


def _some_value(parameter: Parameter) -> object:
    if parameter.choices:
        return parameter.choices[0]
    medium = "image" if parameter.type == "mask" else parameter.type
    value = {
        "text": "a red boat",
        "integer": parameter.min or 1,
        "number": parameter.min or 0.5,
        "boolean": True,
        "size": (1024, 1024),
        "object": {"frame_index": 0},
    }.get(parameter.type, AssetRef("0" * 64, f"{medium}/x"))
    return [value] if parameter.multiple else value


def _required(card: ModelCard, task: Task) -> dict[str, object]:
    return {p.name: _some_value(p) for p in card.parameters_for(task) if p.required and p.default is None}


@pytest.mark.parametrize(("card", "task"), REQUESTS, ids=[f"{card.id}-{task}" for card, task in REQUESTS])
def test_a_request_of_what_is_required_passes_and_is_filled_with_the_defaults(card: ModelCard, task: Task) -> None:
    given_values = _required(card, task)
    checked = card.check(task, given_values)
    defaults = {p.name: p.default for p in card.parameters_for(task) if p.default is not None}
    assert {name: checked[name] for name in defaults} == defaults
    assert set(checked) == set(defaults) | set(given_values)
    assert card.check(task, checked) == checked


@given(st.data())
def test_every_choice_of_every_parameter_is_accepted(data: st.DataObject) -> None:
    card, task = data.draw(st.sampled_from(REQUESTS))
    values = _required(card, task)
    for parameter in card.parameters_for(task):
        if parameter.choices:
            values[parameter.name] = data.draw(st.sampled_from(parameter.choices))
    assert card.problems(task, values) == []


def test_what_ships_is_a_local_model_a_procedural_one_and_the_cloud() -> None:
    assert Counter(card.engine for card in CARDS) == {
        "fal": 270,
        "openai": 9,
        "replicate": 4,
        "switch": 2,
        "diffusers": 1,
        "procedural": 1,
    }
    assert [card.id for card in CARDS if card.hidden] == ["procedural"]


def test_studio_tiny_takes_what_it_was_made_for() -> None:
    card = CATALOG.models["studio-tiny"]
    assert card.tasks == card.recommended == (Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINTING)
    assert card.source.path == str(data_dir() / "models" / "studio-tiny")
    assert card.licence == "Apache-2.0"
    checked = card.check(Task.TEXT_TO_IMAGE, {"prompt": "a red boat"})
    assert {name: checked[name] for name in ("width", "height", "num_inference_steps", "guidance_scale")} == {
        "width": 128,
        "height": 128,
        "num_inference_steps": 25,
        "guidance_scale": 5.0,
    }
    assert [problem.field for problem in card.problems(Task.TEXT_TO_IMAGE, {"prompt": "a", "width": 264})] == ["width"]


def test_the_procedural_model_can_be_slowed_down() -> None:
    pause = CATALOG.models["procedural"].parameter("step_seconds")
    assert (pause.type, pause.default, pause.min, pause.max, pause.group) == ("number", 0.0, 0, 10, "advanced")


def test_schedulers_are_offered_by_the_names_people_know() -> None:
    scheduler = CATALOG.models["studio-tiny"].parameter("scheduler")
    named = dict(zip(scheduler.choices, scheduler.choice_labels, strict=True))
    assert named["dpmpp_2m_karras"] == "DPM++ 2M Karras"
    assert not any(name.startswith("flow_") for name in named)
    assert "Euler a" in CATALOG.schedulers["euler_a"].aliases


def test_entries_written_by_hand_name_licence_date_and_source() -> None:
    for card in CARDS:
        assert card.as_of or card.availability == "unconfirmed", card.id
        assert card.licence or card.homepage.startswith("https://"), card.id
    for family in CATALOG.families.values():
        assert family.as_of, family.id
        assert family.read_from, family.id


def test_no_request_can_hold_a_key() -> None:
    names = {parameter.name for card in CARDS for parameter in card.parameters}
    assert not {name for name in names if name.endswith(("_key", "token", "secret", "password"))}


def test_retired_endpoints_carry_the_day() -> None:
    retired = {
        card.id.removeprefix("fal/"): card.retired_on for card in CARDS if card.retired_on and card.engine == "fal"
    }
    assert retired.pop("runway_gen3_turbo_image_to_video") == date(2026, 7, 30)
    assert len(retired) == 5
    assert all(name.startswith("sora2") and day == date(2026, 9, 24) for name, day in retired.items())
    assert CATALOG.models["openai/gpt-image-1"].retired_on == date(2026, 10, 23)


def test_prices_name_when_and_where_they_were_read() -> None:
    prices = [card.price for card in CARDS if card.price and card.price.amount_usd is not None]
    assert len(prices) > 200
    assert all(price.unit and price.as_of and price.source for price in prices)


def test_a_parameter_entry_can_state_every_field_of_a_parameter() -> None:
    assert set(ParameterEntry.__struct_fields__) == {field.name for field in fields(Parameter)} - {"name"}


@pytest.mark.parametrize(("path", "text"), generated().items(), ids=lambda value: getattr(value, "name", ""))
def test_generated_files_are_current(path: Path, text: str) -> None:
    assert path.read_text(encoding="utf-8") == text, "run python -m studio_kernel.catalog"


def test_loading_what_ships_imports_nothing_heavy() -> None:
    code = (
        "import sys, studio_kernel.catalog.loader as loader, studio_kernel.catalog.models\n"
        "heavy = {'yaml', 'jsonschema', 'pandas', 'torch', 'diffusers', 'ipywidgets'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "loader.load()\n"
        "assert heavy & set(sys.modules) <= {'yaml'}, heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
