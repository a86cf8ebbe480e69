"""What comes into the form and out of it: runs, inputs, plain JSON, projects, Python; and how it is laid out."""

import io
import json
import zipfile
from dataclasses import replace

import pytest

import studio_kernel as sk
from studio_kernel.domain.parameters import Parameter, standard
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import AssetRef, Lora
from studio_kernel.prompt_length import PromptLimit, limit_of
from studio_widgets.counter.view import Counter
from studio_widgets.generation.actions import shortcuts_of
from studio_widgets.generation.carrying import fitted, part_of
from studio_widgets.generation.grouping import sections
from studio_widgets.generation.outcome import ResultBar
from studio_widgets.generation.panel import GenerationPanel, GenerationView
from studio_widgets.generation.state import GenerationState
from studio_widgets.generation.view import TaskChoice
from studio_widgets.workspace import Workspace
from waiting import until

GONE = """
models:
  gone: {engine: procedural, tasks: [text-to-image], parameters: {prompt: , warp: {type: number}}}
"""


@pytest.fixture
def studio(home):
    with sk.open(home, runner="inline") as studio:
        yield studio


@pytest.fixture
def workspace():
    return Workspace()


@pytest.fixture
def state(studio, workspace):
    state = GenerationState(studio, model="procedural", workspace=workspace)
    state.prompt = "a red boat"
    return state


@pytest.fixture
def run(studio):
    return studio.generate(
        r"a \{red\|blue\} boat",
        negative_prompt="fog",
        model="procedural",
        seed=7,
        num_inference_steps=3,
        progress=False,
    )


def made(state):
    state.submit()
    until(lambda: not state.is_busy, every=0.01, what="the end of the run")
    assert state.error == ""
    return state.result


# Loading


def test_a_run_is_loaded_whole_and_makes_the_same_again(state, run):
    state.set("guidance_scale", 9.0)
    state.load(run.id)
    assert (state.random_seed, state.values["seed"], state.values["num_inference_steps"]) == (False, 7, 3)
    assert state.values["guidance_scale"] == 5.0
    assert made(state).request == run.request


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        ("prompt", {"prompt": r"a \{red\|blue\} boat", "negative_prompt": "fog"}),
        ("seed", {"seed": 7, "random_seed": False}),
        ("settings", {"num_inference_steps": 3}),
    ],
)
def test_a_part_of_a_run_is_loaded_and_the_rest_stays(state, run, part, changed):
    state.negative_prompt = "rain"
    before = said(state)
    state.load(run.id, part)
    assert said(state) == {**before, **changed}
    assert run.id[-6:] in state.notice


def said(state):
    own = {name: getattr(state, name) for name in ("prompt", "negative_prompt", "random_seed", "model", "task")}
    return {**state.values, **own}


def test_settings_of_a_model_that_is_not_here_are_taken_as_far_as_they_go(state, run, studio, home):
    (home / "catalog").mkdir()
    (home / "catalog" / "gone.yaml").write_text(GONE)
    with sk.open(home, runner="inline") as other:
        gone = other.generate("a green boat", model="gone", warp=2.0, progress=False)
    (home / "catalog" / "gone.yaml").unlink()
    state.load(gone.id)
    assert (state.model, state.prompt, state.error) == ("procedural", "a green boat", "")
    assert "the model gone (not here)" in state.notice
    assert "Warp (not a setting of Procedural)" in state.notice


def test_a_run_that_is_not_here_is_said_in_words(state):
    state.load("nothing")
    assert "no run 'nothing'" in state.error


def test_what_a_form_does_not_take_is_left_out_with_the_reason():
    missing = AssetRef("ab" * 32, "image/png")
    values = {"num_inference_steps": 999, "image": missing, "warp": 1}
    found = fitted(values, [standard("num_inference_steps"), standard("image")], lambda _ref: False, "Tiny")
    assert found.values == {}
    assert found.left_out == (
        "Steps 999 is outside 1 … 150",
        "Input image (the file is no longer here)",
        "Warp (not a setting of Tiny)",
    )


def test_prompts_that_look_like_templates_are_escaped_and_others_are_not():
    assert part_of({"prompt": "a {b|c}"}, "all")["prompt"] != "a {b|c}"
    assert part_of({"prompt": "a boat"}, "all")["prompt"] == "a boat"


def test_other_panels_hand_runs_to_the_form(state, workspace, run):
    assert workspace.can("load")
    workspace.ask("load", run.id)
    assert state.values["seed"] == 7


# Inputs


def test_a_result_is_used_as_an_input_of_the_first_task_that_takes_one(state, workspace, run):
    workspace.ask("input", run.id)
    assert (state.task, state.error) == ("image-to-image", "")
    assert state.values["image"] == AssetRef(run.assets[0].sha256, "image/png")


def test_a_result_is_used_as_an_input_of_a_task_that_is_named(state):
    result = made(state)
    state.use_result("inpainting")
    assert state.task == "inpainting"
    assert state.values["image"].sha256 == result.assets[0].sha256
    assert state.values["mask_image"] is None


def test_only_tasks_that_take_such_a_file_are_offered(state):
    assert state.takers("image") == [Task.IMAGE_TO_IMAGE, Task.INPAINTING]
    assert state.takers("audio") == []


# Carrying


def test_a_form_survives_a_round_trip_through_json(studio, state, picture):
    state.task = "image-to-image"
    state.give("image", picture)
    state.set("loras", (Lora("ink", 0.5),))
    state.set("seed", 9)
    state.random_seed = False
    kept = json.loads(json.dumps(state.form_values()))
    other = GenerationState(studio, model="studio-tiny")
    other.restore(kept)
    assert other.form_values() == state.form_values()
    assert other.notice == ""


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"model": "gone", "task": "nothing"},
        {"model": 7, "values": "x", "prompt": None},
        {"values": {"num_inference_steps": "many", "image": {"$asset": 1}, "guidance_scale": [[]]}},
        {"values": {"image": {"$asset": "ab" * 32, "media_type": "image/png"}}, "task": "image-to-image"},
    ],
)
def test_whatever_was_kept_leaves_a_form_that_works(state, kept):
    state.restore(kept)
    assert state.model == "procedural"
    assert state.parameters
    assert state.issues == {}


def test_a_form_begins_as_its_project_says(state):
    state.begin_with({"model": "studio-tiny", "task": "inpainting"})
    assert (state.model, state.task, state.prompt) == ("studio-tiny", "inpainting", "a red boat")
    state.begin_with({"model": "gone"})
    assert state.model == "studio-tiny"


def test_a_form_begins_with_the_preset_of_its_project(studio, state):
    studio.save_preset("Fast", model="procedural", values={"num_inference_steps": 2})
    preset = next(key for key, each in studio.catalog.presets.items() if each.name == "Fast")
    state.begin_with({"preset": preset})
    assert state.values["num_inference_steps"] == 2
    assert "Fast" in state.notice


def test_runs_are_put_into_the_project_of_the_workspace(state, workspace):
    workspace.project = "boats"
    assert made(state).origin.project == "boats"
    workspace.project = ""
    assert made(state).origin.project is None


def test_the_form_as_python_asks_for_the_same(studio, state):
    state.set("num_inference_steps", 3)
    assert "seed" not in state.as_python()
    state.new_seed()
    names = {"studio": studio}
    exec(state.as_python(), names)
    assert names["run"].request == made(state).request


def test_a_template_as_python_is_one_of_its_texts_with_the_seed_that_chose_it(state):
    state.prompt = "a {red|blue} boat"
    text = state.as_python()
    assert "{" not in text
    assert "seed=" in text


# After a result


def test_once_more_keeps_the_settings_of_the_result_and_takes_a_new_seed(state):
    first = made(state)
    state.prompt = "something else"
    state.regenerate()
    until(lambda: not state.is_busy, every=0.01)
    assert state.result.seed != first.seed
    assert (
        state.result.request.with_seed(0) == first.request.with_seed(0) if hasattr(first.request, "with_seed") else True
    )
    assert state.result.request.prompt == "a red boat"


def test_the_seed_of_the_result_is_kept(state):
    result = made(state)
    state.set("seed", 1)
    state.reuse_seed()
    assert (state.random_seed, state.values["seed"]) == (False, result.seed)


def test_marks_of_the_result_are_logged_and_shown(state, studio):
    result = made(state)
    state.star(True)
    state.rate(4)
    assert (state.result.favourite, state.result.rating) == (True, 4)
    assert studio.record(result.id).rating == 4


def test_buttons_for_others_are_there_only_while_somebody_takes_them(state, workspace):
    bar = GenerationView(state).children[-1].children[1].children[0].children[0].children[5]
    made(state)
    assert bar._to_compare.layout.display == "none"
    asked = []
    workspace.take("compare", asked.append)
    assert bar._to_compare.layout.display is None
    bar._to_compare.click()
    assert asked == [state.result.id]


def test_files_of_the_result_are_saved_under_a_name_that_says_what_they_are(state):
    state.set("num_images", 2)
    result = made(state)
    assert state.file_name(1) == f"a-red-boat-{result.id[-8:]}-2.png"
    assert state.file_name(2) == ""


def heard(widget, content):
    """Return what a widget sends back, and how many bytes with it."""
    sent = []
    widget.send = lambda content, buffers=None: sent.append((content, [bytes(each) for each in buffers or ()]))
    widget._handle_custom_msg(content, [])
    return sent


def test_the_file_that_is_shown_is_downloaded_in_parts(state, studio, monkeypatch):
    monkeypatch.setattr("studio_widgets.saving.slices.SLICE_BYTES", 1000)
    state.set("num_images", 2)
    result = made(state)
    state.shown = 1
    download = ResultBar(state)._download
    assert (download.run, download.file, download.name) == (result.id, 1, state.file_name(1))
    whole = studio.assets.path(result.assets[1]).read_bytes()
    [(said, [part])] = heard(download, {"kind": "part", "run": result.id, "file": 1, "start": 1000, "seq": 4})
    assert (said["total"], said["name"], said["seq"]) == (len(whole), state.file_name(1), 4)
    assert part == whole[1000:2000]
    assert heard(download, {"kind": "part", "run": "/etc/passwd", "file": "x", "start": 0, "seq": 4}) == []


def test_a_file_that_is_not_there_does_not_come_and_the_reason_is_told(state):
    result = made(state)
    assert state.part(result.id, 5, 0).total == 0
    assert "has no file 6" in state.error


def test_all_files_of_a_result_are_downloaded_as_one_zip(state):
    state.set("num_images", 2)
    made(state)
    button = ResultBar(state)._all
    assert button.layout.display is None
    sent = heard(button, {"kind": "download"})
    until(lambda: sent)
    [(said, [data])] = sent
    assert said["kind"] == "file"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len([name for name in archive.namelist() if name.endswith(".png")]) == 2


def test_a_single_file_has_no_zip(state):
    made(state)
    bar = ResultBar(state)
    assert bar._all.layout.display == "none"
    assert bar._leaving.runs == ()


# What is saved elsewhere


def test_presets_saved_elsewhere_are_offered_with_the_form_s_tick(state, home):
    view = GenerationView(state)
    named(view, "Presets and styles").value = True
    choice = named(view, "Preset")
    with sk.open(home) as other:
        other.save_preset("Theirs", values={})
    state.tick()
    assert ("Theirs (own)", "theirs") in choice.options


def named(widget, description):
    if getattr(widget, "description", None) == description:
        return widget
    return next((found for child in getattr(widget, "children", ()) if (found := named(child, description))), None)


# Keys and numbers


def test_keys_change_guidance_and_steps_by_a_notch_inside_what_is_allowed(state):
    keys = shortcuts_of(state)
    state.set("num_inference_steps", 150)
    for key in ("+", "-", "-", "]"):
        keys._handle_custom_msg({"kind": "key", "key": key}, [])
    assert (state.values["guidance_scale"], state.values["num_inference_steps"]) == (4.9, 150)
    keys._handle_custom_msg({"kind": "key", "key": "x"}, [])


def test_a_key_makes_a_new_seed_that_is_used(state):
    shortcuts_of(state)._handle_custom_msg({"kind": "key", "key": "r"}, [])
    assert not state.random_seed
    assert state.resolve().values["seed"] == state.values["seed"]


# The prompt's length


def test_a_prompt_is_counted_in_the_tokens_of_its_encoder(studio):
    limit = limit_of(studio.models["studio-tiny"])
    assert (limit.unit, limit.most, limit.cuts) == ("tokens", 30, True)
    assert limit.count("a red boat") == 3


def test_a_prompt_for_a_service_is_counted_in_characters_up_to_its_limit(studio):
    card = replace(studio.models["procedural"], parameters=(standard("prompt", max_length=10),))
    assert limit_of(card) == PromptLimit("characters", 10)
    assert limit_of(studio.models["procedural"]).most is None


def test_a_broken_tokenizer_is_as_good_as_none(studio, tmp_path):
    card = studio.models["studio-tiny"]
    (tmp_path / "tokenizer").mkdir()
    (tmp_path / "tokenizer" / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "CLIPTokenizer", "model_max_length": 77}'
    )
    for text in (None, "{", "{}"):
        if text is not None:
            (tmp_path / "tokenizer" / "tokenizer.json").write_text(text)
        assert limit_of(replace(card, source=replace(card.source, path=str(tmp_path)))).unit == "characters"


def test_a_counter_counts_what_is_typed_and_drops_what_is_too_much():
    counter = Counter(lambda: PromptLimit(most=5))
    counter.show("boat")
    assert (counter.count, counter.most, counter.unit) == (4, 5, "characters")
    counter._handle_custom_msg({"kind": "count", "text": "a red boat"}, [])
    assert counter.count == 10
    for content in ({"kind": "count", "text": "x" * 30_000}, {"kind": "count", "text": 7}, {}):
        counter._handle_custom_msg(content, [])
    assert counter.count == 10


# How it is laid out


def test_only_a_task_that_is_offered_is_chosen():
    chosen = []
    tasks = TaskChoice(chosen.append)
    tasks.show([("Upscale", "upscale")], "upscale")
    for value in ("upscale", "inpainting", 7, None):
        tasks._handle_custom_msg({"kind": "choose", "value": value}, [])
    assert chosen == ["upscale"]


def test_every_parameter_of_every_model_stands_in_one_section(studio):
    for card in studio.models.values():
        for task in card.tasks:
            parameters = card.parameters_for(task)
            placed = [parameter.name for section in sections(parameters, task) for parameter in section.parameters]
            assert sorted(placed) == sorted(parameter.name for parameter in parameters)


def test_what_makes_a_clip_stands_under_video():
    clip = [
        Parameter("duration", "integer", group="size"),
        Parameter("fps", "integer", group="size"),
        Parameter("camera_motion", "text"),
        Parameter("emotion", "text"),
    ]
    found = {s.title: [p.name for p in s.parameters] for s in sections(clip, Task.TEXT_TO_VIDEO)}
    assert found == {"Video": ["duration", "fps", "camera_motion"], "Advanced settings": ["emotion"]}
    assert sections(clip[:1], Task.TEXT_TO_IMAGE)[0].title == "Size"


def test_a_panel_shows_every_kind_of_model_and_keeps_no_widgets_of_the_last(studio):
    import ipywidgets

    panel = GenerationPanel(studio, model="procedural")
    counts = []
    for _ in range(2):
        for model in ("fal/flux_1_dev", "fal/veo3", "fal/kling_3_pro_text_to_video", "studio-tiny", "procedural"):
            panel.state.model = model
            assert panel.state.error == ""
        counts.append(len(ipywidgets.widgets.widget._instances))
    assert counts[0] == counts[1]
    panel.estimate.close()


def test_what_is_typed_stays_where_it_is_when_task_or_model_change(studio):
    panel = GenerationPanel(studio, model="procedural")
    before = panel.view.form.controls
    panel.state.task = "image-to-image"
    after = panel.view.form.controls
    assert after["prompt"] is before["prompt"]
    assert before["prompt"].comm is not None
    assert set(after) - set(before) == {"image", "strength"}
    panel.state.model = "studio-tiny"
    assert panel.view.form.controls["prompt"] is before["prompt"]
    assert "32 tokens" in before["prompt"].tooltip
    panel.estimate.close()


def test_a_viewer_is_shown_no_button_that_would_be_refused(home, studio, run):
    with sk.open(home, mode="viewer") as viewer:
        state = GenerationState(viewer, model="procedural")
        assert not state.can_submit
        assert state.standing == ("blocked", "This studio is open for looking only.")


def test_what_stands_in_the_way_is_said(state):
    assert state.standing == ("ready", "")
    state.prompt = ""
    assert state.standing == ("blocked", "Prompt is required.")
