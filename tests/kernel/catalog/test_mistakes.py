from pathlib import Path
from typing import get_args

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio_kernel.catalog.entries import FamilyEntry, LoraEntry, ModelEntry, ParameterEntry, SchedulerEntry
from studio_kernel.catalog.loader import check_shipped, load
from studio_kernel.domain.parameters import ParameterType
from studio_kernel.errors import CatalogError
from studio_kernel.settings import data_dir
from user_catalog import load_with, problems_of

GOOD = "family: sd15, hub: a/b"

MODEL_MISTAKES = [
    # what stands in the entry; the field that is told; words of the message
    (f"{{{GOOD}, familly: x}}", "familly", ["'familly' is not a field here", "did you mean 'family'"]),
    ("{hub: a/b, family: sd16}", "family", ["'sd16'", "did you mean 'sd15'"]),
    (f"{{{GOOD}, tasks: [text-to-picture]}}", "tasks[0]", ["'text-to-picture'", "did you mean", "'text-to-image'"]),
    (f"{{{GOOD}, file: x.safetensors}}", "hub", ["beside 'file'", "exactly one"]),
    ("{family: sd15}", "path", ["'path', 'file', 'hub' and 'endpoint'"]),
    ("{hub: a/b, tasks: [inpainting]}", "engine", ["is missing"]),
    ("{hub: a/b, engine: diffusers}", "tasks", ["is missing"]),
    ("{family: sd15, hub: just-a-name}", "hub", ["'just-a-name'", "owner/name"]),
    (f"{{{GOOD}, retired_on: soon}}", "retired_on", ["'soon' is not a date", "2026-11-21"]),
    (f"{{{GOOD}, as_of: 21.11.2026}}", "as_of", ["'21.11.2026'", "2026-11-21"]),
    (f"{{{GOOD}, as_of: 2026}}", "as_of", ["2026 is not text", "quotes"]),
    (f"{{{GOOD}, name: [a]}}", "name", ["['a'] is not text"]),
    (f"{{{GOOD}, hidden: maybe}}", "hidden", ["'maybe' is not true or false"]),
    (f"{{{GOOD}, tasks: text-to-image}}", "tasks", ["'text-to-image' is not a list"]),
    (f"{{{GOOD}, recommended: [upscale]}}", "recommended", ["'upscale'", "text-to-image"]),
    (f"{{{GOOD}, schedulers: [euler, eulr]}}", "schedulers[1]", ["'eulr'", "did you mean 'euler'"]),
    (f"{{{GOOD}, without: [promt]}}", "without[0]", ["'promt'", "did you mean 'prompt'"]),
    (f"{{{GOOD}, price: {{amount_usd: -1}}}}", "price.amount_usd", ["-1 is below 0"]),
    (f"{{{GOOD}, price: {{amount: 1}}}}", "price.amount", ["did you mean 'amount_usd'"]),
    (
        f"{{{GOOD}, price: {{variants: [{{when: {{widht: 512}}, amount_usd: 1}}]}}}}",
        "price.variants[0].when",
        ["'widht'", "did you mean 'width'"],
    ),
    (
        f"{{{GOOD}, price: {{extras: [{{between: {{second: [1, 2]}}, amount_usd: 1}}]}}}}",
        "price.extras[0].between",
        ["'second'", "did you mean 'seconds'"],
    ),
    (f"{{{GOOD}, price: {{only_when: {{lenght: 5}}}}}}", "price.only_when", ["'lenght' is not a parameter"]),
    (f"{{{GOOD}, price: {{variants: [{{when: {{}}}}]}}}}", "price.variants[0].amount_usd", ["missing"]),
    ("nothing special", "", ["'nothing special' is not a mapping"]),
]

PARAMETER_MISTAKES = [
    ("model: {type: text}", "model", ["'model' is a word of requests", "sent_as"]),
    ("clip: {type: text, from_run: video_id}", "clip.from_run", ["'from_models'"]),
    ("promt:", "promt", ["did you mean 'prompt'", "needs a 'type'"]),
    ("width: {default: 4096}", "width.default", ["4096 is outside 256 … 1024 px"]),
    ("width: {default: 500}", "width.default", ["500 is not a multiple of 8"]),
    ("width: {default: wide}", "width.default", ["'wide' is not a number"]),
    ("width: {default: .inf}", "width.default", ["'inf' is not a number"]),
    ("width: {min: 900, max: 800, default: 900}", "width.min", ["900 is above max 800"]),
    ("width: {min: many}", "width.min", ["'many' is not a number"]),
    ("width: {step: 0}", "width.step", ["0 is not above 0"]),
    ("width: {step: 8.5}", "width.step", ["8.5 is not a whole number"]),
    ("width: {maximum: 800}", "width.maximum", ["'maximum' is not a field here"]),
    ("prompt: {min: 3}", "prompt.min", ["3 has no meaning for text"]),
    ("prompt: {required: often}", "prompt.required", ["'often' is not true or false"]),
    ("eta: {group: misc}", "eta.group", ["'misc'", "allowed: adapters, advanced"]),
    ("width: {step: 0.5}", "width.step", ["0.5 is not a whole number"]),
    ("width: {default: 1" + "0" * 400 + "}", "width.default", ["is not a number"]),
    ("my mood: {type: text}", "my mood", ["'my mood' is no name"]),
    ("mood: {type: txt}", "mood.type", ["'txt'", "did you mean 'text'"]),
    ("mood: {type: text, choices: [calm, wild], default: angry}", "mood.default", ["'angry'", "'calm', 'wild'"]),
    ("mood: {type: text, choices: [calm, 7]}", "mood.choices[1]", ["7 is not text"]),
    ("mood: {type: text, choices: [on, off]}", "mood.choices[0]", ["True is not text"]),
    ("mood: {type: integer, choices: [1, many]}", "mood.choices[1]", ["'many' is not a number"]),
    ("mood: {type: text, choices: [a, a]}", "mood.choices", ["twice"]),
    ("mood: {type: text, choices: [a], choice_labels: [A, B]}", "mood.choice_labels", ["2 for 1"]),
    ("mood: {type: text, open_choices: true}", "mood.open_choices", ["needs 'choices'"]),
    ("mood: {type: text, max_items: 3}", "mood.max_items", ["multiple"]),
    ("mood: {type: text, tasks: [upscale]}", "mood.tasks", ["'upscale'", "text-to-image"]),
    ("scheduler: {default: magic}", "scheduler.default", ["'magic' is not one of", "'ddim'"]),
]


@pytest.mark.parametrize(("entry", "field", "words"), MODEL_MISTAKES)
def test_a_mistake_in_a_model_is_told_with_file_entry_and_field(
    tmp_path: Path, entry: str, field: str, words: list[str]
) -> None:
    catalog = load_with(tmp_path, mine=f"models:\n  m: {entry}\n")
    place = f"mine.yaml: m: {field}" if field else "mine.yaml: m"
    assert list(problems_of(catalog)) == [place]
    assert all(word in problems_of(catalog)[place] for word in words), problems_of(catalog)
    assert "m" not in catalog.models


@pytest.mark.parametrize(("parameter", "field", "words"), PARAMETER_MISTAKES)
def test_a_mistake_in_a_parameter_is_told_with_file_entry_and_field(
    tmp_path: Path, parameter: str, field: str, words: list[str]
) -> None:
    text = f"models:\n  m:\n    family: sd15\n    hub: a/b\n    parameters:\n      {parameter}\n"
    catalog = load_with(tmp_path, mine=text)
    place = f"mine.yaml: m: parameters.{field}"
    assert place in problems_of(catalog), problems_of(catalog)
    assert all(word in problems_of(catalog)[place] for word in words), problems_of(catalog)


OTHER_MISTAKES = [
    ("schedulers: {s: {name: S, class_name: EulerScheduler}}", "s: class_name", "'EulerDiscreteScheduler'"),
    ("schedulers: {s: {class_name: DDIMScheduler}}", "s: name", "is missing"),
    ("loras: {l: {name: L}}", "l: file", "is missing"),
    ("loras: {l: {file: a.safetensors, family: sdx}}", "l: family", "did you mean 'sdxl'"),
    ("families: {f: {based_on: sdx}}", "f: based_on", "did you mean 'sdxl'"),
    ("families: {f: {based_on: sdxl, parameters: {width: {default: 7}}}}", "f: parameters.width.default", "outside"),
    ("families: {f: {based_on: sdxl, without: [size]}}", "f: without[0]", "'size'"),
    ("modles: {}", "modles", "did you mean 'models'"),
    ("models: [a]", "models", "is not a mapping from ids to entries"),
    ("models: {'my model': {family: sd15, hub: a/b}}", "my model", "'my model' is no id"),
    ("just text", "", "'just text' is not a mapping"),
    ("models:\n  m: {family: sd15\n", "line 3", "is not YAML"),
    ("models:\n\tm: {}\n", "line 2", "tab"),
    ("models:\n  m: {family: sd15, hub: a/b}\n  m: {family: sdxl, hub: a/b}\n", "line 3", "'m' stands twice"),
    ("models: &a\n  m: *a\n", "", "levels deep"),
    ("models: !!python/object/apply:os.system [ls]", "line 1", "is not YAML"),
]


@pytest.mark.parametrize(("text", "place", "words"), OTHER_MISTAKES)
def test_other_mistakes_are_told_with_their_place(tmp_path: Path, text: str, place: str, words: str) -> None:
    catalog = load_with(tmp_path, mine=text)
    assert list(problems_of(catalog)) == [f"mine.yaml: {place}" if place else "mine.yaml"]
    assert words in next(iter(problems_of(catalog).values()))
    assert catalog.models == load().models


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(b"\xff\xfe\x00models")
    assert "UTF-8" in problems_of(load(tmp_path))["mine.yaml"]


def test_an_id_given_in_two_files_is_told_and_the_first_is_kept(tmp_path: Path) -> None:
    catalog = load_with(tmp_path, a="models: {m: {family: sd15, hub: a/b}}", b="models: {m: {family: sdxl, hub: a/b}}")
    assert problems_of(catalog) == {"b.yaml: m": "stands in a.yaml too; an id is given once"}
    assert catalog.models["m"].family == "sd15"


def test_all_mistakes_are_told_at_once_and_good_entries_are_used(tmp_path: Path) -> None:
    catalog = load_with(
        tmp_path,
        a="""
        models:
          one: {family: sd15, hub: a/b, hiden: true, tasks: [painting], price: {amount_usd: free}}
          two: {family: sd16, parameters: {wdth: {default: 3}}, recommended: [upscale]}
          good: {family: sd15, hub: a/b}
        """,
        b="models: [",
        c="loras: {l: {}}",
    )
    assert set(problems_of(catalog)) == {
        "a.yaml: one: hiden",
        "a.yaml: one: tasks[0]",
        "a.yaml: one: price.amount_usd",
        "a.yaml: two: family",
        "a.yaml: two: parameters.wdth",
        "b.yaml: line 2",
        "c.yaml: l: file",
    }
    assert "good" in catalog.models
    assert not {"one", "two"} & set(catalog.models)


def _data_with(tmp_path: Path, text: str) -> Path:
    """Return a data directory that ships schedulers, families and the models in `text`."""
    directory = tmp_path / "catalog"
    directory.mkdir()
    for name in ("schedulers.yaml", "families.yaml"):
        (directory / name).write_bytes((data_dir() / "catalog" / name).read_bytes())
    (directory / "models.yaml").write_text(text)
    return tmp_path


def test_a_mistake_in_what_ships_stops_the_start(tmp_path: Path) -> None:
    data = _data_with(tmp_path, "models: {a: {family: sd15, hub: 3}, b: {family: sd15, hub: a/b, c: d}}")
    with pytest.raises(CatalogError) as caught:
        load(data=data)
    assert [problem.field for problem in caught.value.problems] == ["models.yaml: a: hub", "models.yaml: b: c"]


def test_the_full_check_finds_what_a_start_does_not_look_for(tmp_path: Path) -> None:
    data = _data_with(tmp_path, "models: {a: {family: sd15, hub: a/b, parameters: {width: {default: 7}}}}")
    assert "a" in load(data=data).models
    with pytest.raises(CatalogError, match=r"models.yaml: a: parameters.width.default: 7 is outside 256 … 1024 px"):
        check_shipped(data)


PLAUSIBLE = ["sd15", "sdxl", "a/b", "euler", "text-to-image", 3, 0.5, "2026-11-21", "LCMScheduler"]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _entries(form: type[msgspec.Struct]) -> st.SearchStrategy[object]:
    """Return entries that have the fields of `form`, with values right and wrong."""
    plausible = st.sampled_from(PLAUSIBLE)
    parameters = st.dictionaries(
        st.sampled_from(["prompt", "width", "scheduler", "loras", "mood", "strength"]),
        st.dictionaries(st.sampled_from(ParameterEntry.__struct_fields__), _field_values(), max_size=5),
        max_size=3,
    )
    values = ANYTHING | plausible | st.lists(plausible, max_size=2) | parameters
    return ANYTHING | st.dictionaries(st.sampled_from(form.__struct_fields__), values, max_size=8)


def _field_values() -> st.SearchStrategy[object]:
    types = st.sampled_from([*get_args(ParameterType), "prompt", "advanced"])
    numbers = st.sampled_from([0, 1, -1, 0.5, 8, 1e300])
    return ANYTHING | types | numbers | st.lists(types | numbers, max_size=3) | st.booleans()


@pytest.fixture(scope="module")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _data_with(tmp_path_factory.mktemp("data"), "models: {shipped: {family: sd15, hub: a/b}}")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "models": st.dictionaries(st.just("m") | st.text(max_size=5), _entries(ModelEntry), max_size=2),
            "families": st.dictionaries(st.just("sdxl") | st.just("f"), _entries(FamilyEntry), max_size=2),
            "schedulers": st.dictionaries(st.just("euler") | st.just("s"), _entries(SchedulerEntry), max_size=2),
            "loras": st.dictionaries(st.just("l"), _entries(LoraEntry), max_size=1) | ANYTHING,
        },
    )
)
def test_nothing_in_a_users_file_stops_the_catalog(tmp_path: Path, small_data: Path, data: dict[str, object]) -> None:
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    catalog = load(tmp_path, small_data)
    assert "shipped" in catalog.models
    assert all(problem.field.startswith("mine.yaml") and problem.message for problem in catalog.problems)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_stop_the_catalog(tmp_path: Path, small_data: Path, content: bytes) -> None:
    (tmp_path / "mine.yaml").write_bytes(content)
    assert "shipped" in load(tmp_path, small_data).models
