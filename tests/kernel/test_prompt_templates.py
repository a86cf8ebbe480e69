"""Alternatives and wildcards in the prompts of runs and sweeps."""

import pytest

import studio_kernel as sk
from studio_kernel.errors import InvalidRequestError

BASE = {"model": "procedural", "num_inference_steps": 1, "width": 32, "height": 32}


@pytest.fixture
def studio(home):
    folder = home / "catalog" / "wildcards"
    folder.mkdir(parents=True)
    (folder / "animal.txt").write_text("cat\nfish\n{big|small} dog\n")
    with sk.open(home) as studio:
        yield studio


def prompts(sweep):
    return [planned.request.prompt for planned in sweep.plan().cells]


def test_the_seed_chooses_what_a_run_asks_for_and_the_template_is_kept(studio):
    template = "a {red|blue} __animal__"
    run = studio.generate(template, seed=7, progress=False, **BASE)
    assert run.request.prompt == studio.request(template, seed=7, **BASE).prompt
    assert run.request.prompt != template
    assert "{" not in run.request.prompt
    assert "__" not in run.request.prompt
    chosen = {studio.request(template, seed=seed, **BASE).prompt for seed in range(60)}
    assert chosen == {f"a {colour} {x}" for colour in ("red", "blue") for x in ("cat", "fish", "big dog", "small dog")}


def test_the_log_has_the_template_of_runs_and_cells(studio):
    def typed(*runs):
        return [studio.record(run.id).origin.prompt_template for run in runs]

    assert typed(studio.generate("a {red|blue} boat", progress=False, **BASE)) == ["a {red|blue} boat"]
    assert typed(studio.generate("a boat", progress=False, **BASE)) == [None]
    alternatives = studio.sweep("a {red|blue} __animal__", seed=1, **BASE).wait(progress=False)
    assert typed(*alternatives.runs) == ["a {red|blue} __animal__"] * 2
    replaced = studio.sweep("a red boat", axes={"prompt:red": ["blue", "__animal__"]}, **BASE).wait(progress=False)
    assert typed(*replaced.runs) == [None, "a __animal__ boat"]
    prompts = studio.sweep("not used {a|b}", axes={"prompt": ["a boat", "{a|b}"]}, **BASE).wait(progress=False)
    assert typed(*prompts.runs) == [None, "{a|b}"]
    assert "a {red|blue} boat" in set(studio.sql("SELECT prompt_template FROM runs")["prompt_template"])


def test_the_template_of_a_private_run_is_not_in_the_log(studio):
    run = studio.submit("a {red|blue} boat", private=True, **BASE).wait()
    assert run.status == "succeeded"
    assert studio.sql("SELECT prompt_template FROM runs")["prompt_template"].isna().all()


def test_without_a_seed_one_is_chosen_and_it_chooses_the_text(studio):
    made = {studio.request("{a|b|c|d|e|f|g|h}", **BASE) for _ in range(30)}
    assert all(
        request.prompt == studio.request("{a|b|c|d|e|f|g|h}", **BASE, seed=request.seed).prompt for request in made
    )
    assert len({request.prompt for request in made}) > 1


def test_a_seed_written_as_a_whole_float_is_that_seed(studio):
    request = studio.request("{a|b|c|d}", seed=7.0, **BASE)
    assert request == studio.request("{a|b|c|d}", seed=7, **BASE)


def test_the_negative_prompt_is_a_template_too(studio):
    request = studio.request("a boat", negative_prompt="{blurry|dark}", seed=1, **BASE)
    assert request.parameters["negative_prompt"] in ("blurry", "dark")


def test_marks_in_other_texts_are_left_alone(studio):
    with pytest.raises(InvalidRequestError, match=r"'\{euler\|ddim\}' is not one of"):
        studio.request("a boat", scheduler="{euler|ddim}", **BASE)


def test_a_prompt_without_marks_and_one_in_json_stay_as_they_are(studio):
    for text in ("a boat", '{"scene": "a boat", "light": {"at": "night"}}', "a_b {x}"):
        assert studio.request(text, **BASE).prompt == text


@pytest.mark.parametrize("text", ["a __anmal__", "{__anmal__|x}"])
def test_an_unknown_wildcard_is_refused_before_anything_starts(studio, text):
    with pytest.raises(InvalidRequestError, match="prompt: 'anmal' is not a wildcard; did you mean 'animal'"):
        studio.generate(text, **BASE)
    with pytest.raises(InvalidRequestError, match="did you mean 'animal'"):
        studio.sweep("a __anmal__", axes={"seed": [1, 2]}, **BASE)
    assert studio.runs().empty


def test_an_unknown_wildcard_in_one_alternative_is_told_in_its_cell(studio):
    bad, good = studio.sweep("{__anmal__|x}", start=False, **BASE).plan().cells
    assert "did you mean 'animal'" in bad.problem
    assert good.request.prompt == "x"


def test_alternatives_are_the_outermost_axes_of_a_sweep(studio):
    sweep = studio.sweep("{a|two} {red|blue} boat", axes={"seed": [1, 2]}, start=False, **BASE)
    assert list(sweep.definition.axes) == ["prompt:{a|two}", "prompt:{red|blue}", "seed"]
    assert sweep.size == 8
    assert prompts(sweep)[::2] == ["a red boat", "a blue boat", "two red boat", "two blue boat"]


def test_the_same_alternatives_twice_are_one_axis(studio):
    sweep = studio.sweep("{red|blue} boat, {red|blue} sky", start=False, **BASE)
    assert prompts(sweep) == ["red boat, red sky", "blue boat, blue sky"]


def test_nested_alternatives_are_one_axis_of_all_their_texts(studio):
    assert prompts(studio.sweep("{a {big|small} dog|cat}", start=False, **BASE)) == ["a big dog", "a small dog", "cat"]


def test_alternatives_of_the_negative_prompt_are_an_axis(studio):
    sweep = studio.sweep("a boat", negative_prompt="{blurry|dark}", start=False, **BASE)
    assert sweep.definition.axes == {"negative_prompt:{blurry|dark}": ("blurry", "dark")}


def test_with_an_axis_of_prompts_the_seed_chooses(studio):
    sweep = studio.sweep(axes={"prompt": ["{a|b}", "a boat"], "seed": range(20)}, start=False, **BASE)
    assert sweep.size == 40
    assert set(prompts(sweep)) == {"a", "b", "a boat"}


def test_an_axis_of_the_callers_own_goes_before_that_of_the_alternatives(studio):
    axes = {"seed": [1], "prompt:{red|blue}": ["green"]}
    assert prompts(studio.sweep("a {red|blue} boat", axes=axes, start=False, **BASE)) == ["a green boat"]


def test_wildcards_are_chosen_by_the_seed_of_the_cell_alike_in_all_others(studio):
    axes = {"guidance_scale": [1, 5], "seed": range(8)}
    texts = prompts(studio.sweep("a __animal__", axes=axes, start=False, **BASE))
    assert texts[:8] == texts[8:]
    assert len(set(texts)) > 1


def test_a_sweep_of_a_model_without_seeds_has_the_same_texts_each_time(studio, home):
    (home / "catalog" / "mine.yaml").write_text(
        "models: {plain: {engine: procedural, tasks: [text-to-image], parameters: {prompt: , width: {default: 64}}}}"
    )
    words = {"axes": {"width": [64, 72]}, "model": "plain", "start": False}
    made = [prompts(studio.sweep("{a|b} " + "__animal__ " * 8, **words)) for _ in range(2)]
    assert made[0] == made[1]
    assert len({text[2:] for text in made[0]}) == 1


def test_all_lines_of_a_wildcard_can_be_swept(studio):
    axes = {"prompt:__animal__": studio.wildcards["animal"]}
    texts = prompts(studio.sweep("a __animal__", axes=axes, seed=1, start=False, **BASE))
    assert texts[:2] == ["a cat", "a fish"]
    assert texts[2] in ("a big dog", "a small dog")


def test_a_text_that_stands_only_inside_alternatives_cannot_be_replaced(studio):
    with pytest.raises(InvalidRequestError, match=r"'red' stands there only inside '\{red\|blue\}'"):
        studio.sweep("a {red|blue} boat", axes={"prompt:red": ["green"]}, start=False, **BASE)


def test_alternatives_behind_a_backslash_are_text_in_a_sweep_too(studio):
    sweep = studio.sweep(r"\{a|b} {a|b}", start=False, **BASE)
    assert prompts(sweep) == ["{a|b} a", "{a|b} b"]


def test_a_sweep_of_templates_finds_its_cells_again(studio):
    def swept():
        return studio.sweep("{a|b} __animal__", axes={"seed": [1, 2, 3]}, start=False, **BASE)

    swept().start().wait(progress=False)
    assert len(swept().plan().done) == 6


def test_a_prompt_matrix_is_swept_whole(studio):
    sweep = studio.sweep(sk.prompt_matrix("a busy city", "illustration", "night"), start=False, **BASE)
    assert prompts(sweep) == [
        "a busy city", "a busy city, night", "a busy city, illustration", "a busy city, illustration, night",
    ]  # fmt: skip
