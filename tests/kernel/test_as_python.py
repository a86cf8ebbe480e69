"""A request as a cell: executed, the text asks for the same again."""

import ast

import pytest
from PIL import Image

import studio_kernel as sk
from studio_kernel.as_python import as_python
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.values import AssetRef

QUICK = {"model": "procedural", "num_inference_steps": 2}


@pytest.fixture
def studio(home):
    with sk.open(home) as studio:
        yield studio


def done(studio, text):
    """Execute a cell, which is the point of it, and return its run; the last line shows it, as a cell does."""
    assert isinstance(ast.parse(text).body[-1], ast.Expr)
    names = {"studio": studio}
    exec(text, names)
    return names["run"]


def test_the_text_of_a_run_asks_for_the_same_request(studio):
    run = studio.generate("a red boat", seed=7, width=64, height=48, guidance_scale=7, **QUICK)
    again = done(studio, studio.as_python(run))
    assert again.id != run.id
    assert again.request.digest == run.request.digest
    assert again.assets[0].sha256 == run.assets[0].sha256


def test_what_the_model_does_by_itself_is_left_out(studio):
    request = studio.request("a red boat", model="studio-tiny", seed=7, guidance_scale=9)
    assert studio.as_python(request) == (
        "run = studio.generate(\n"
        '    "a red boat",\n'
        '    model="studio-tiny",\n'
        "    seed=7,\n"
        "    guidance_scale=9.0,\n"
        ")\n"
        "run\n"
    )


def test_the_task_is_written_only_where_the_inputs_do_not_tell_it(studio):
    picture = Image.new("RGB", (64, 64), "red")
    told = studio.request("a boat", image=picture, **QUICK)
    assert told.task == "image-to-image"
    assert "task=" not in studio.as_python(told)
    untold = studio.request("a boat", model="studio-tiny", image=picture, task="image-to-image")
    named = GenerationRequest(untold.model, "inpainting", untold.parameters)
    assert 'task="inpainting"' in studio.as_python(named)


def test_input_files_are_found_again(studio):
    run = studio.generate("a boat", image=Image.new("RGB", (64, 64), "red"), strength=0.5, seed=3, **QUICK)
    again = done(studio, studio.as_python(run))
    assert again.request.digest == run.request.digest


def test_loras_are_written_with_their_weights(studio):
    request = GenerationRequest("gone", parameters={"prompt": "a", "loras": [sk.Lora("ink:1", 0.5)]})
    assert 'loras=[("ink:1", 0.5)]' in studio.as_python(request)


@pytest.mark.parametrize(
    "prompt",
    [
        'a "quoted" boat, the sailor\'s own',
        "a \\{red|blue\\} boat \\\\ on the \\__sea\\__",
        "a {red|blue} __animal__",
        "two\nlines, and a tab\t, and 日本",
        "a boat with a very long prompt that goes on and on, " * 8 + "\n\nin two parts",
        '{"scene": "harbour", "mood": "calm"}',
    ],
)
def test_any_prompt_stands_for_itself(studio, prompt):
    request = studio.request(prompt, seed=5, **QUICK)
    text = studio.as_python(request)
    assert done(studio, text).request.digest == request.digest
    assert max(map(len, text.splitlines())) <= 100


def test_a_name_that_is_no_python_name_is_passed_all_the_same():
    request = GenerationRequest("gone", parameters={"prompt": "a", "a-b": {"c": [1, True, None]}, "class": "x"})
    text = as_python(request, None)
    call = ast.parse(text).body[0].value
    assert {ast.unparse(each.value) for each in call.keywords if each.arg is None} == {
        "{'a-b': {'c': [1, True, None]}}",
        "{'class': 'x'}",
    }


def test_the_project_of_a_run_is_kept_unless_another_is_named(studio):
    studio.create_project("Harbour")
    run = studio.generate("a boat", seed=1, project="harbour", **QUICK)
    assert 'project="harbour"' in studio.as_python(run)
    assert 'project="other"' in studio.as_python(run.id, project="other")
    assert "project" not in studio.as_python(run.request)


def test_the_text_of_a_private_run_asks_for_a_private_one(studio):
    run = studio.generate(
        "secret boat", image=Image.new("RGB", (64, 64), "red"), strength=0.5, private=True, seed=2, **QUICK
    )
    again = done(studio, studio.as_python(run))
    assert again.record.request.digest == run.record.request.digest
    assert studio.count(text="secret") == 0


def test_a_file_is_found_by_its_digest_alone(studio, picture):
    ref = studio.assets.put(picture).ref
    assert studio.asset(ref.sha256) == ref == AssetRef(ref.sha256, "image/png")
    with pytest.raises(sk.StudioError, match="no stored file"):
        studio.asset("0" * 64)


def test_a_file_that_was_brought_in_says_that_it_has_no_such_text(studio, picture):
    with pytest.raises(sk.StudioError, match="was brought in"):
        studio.as_python(studio.import_bytes(picture, "holiday.png"))
    made = studio.assets.path(studio.generate("a boat", seed=1, **QUICK).first_asset).read_bytes()
    assert 'model="procedural"' in studio.as_python(studio.import_bytes(made, "mine.png"))
