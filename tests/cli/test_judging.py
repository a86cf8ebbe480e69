"""``studio rank`` as a process of its own."""

import json

import studio_kernel as sk


def voted(home):
    """Make runs of two prompts and two votes about them; return the id of their sweep."""
    with sk.open(home, runner="inline") as studio:
        quick = {"model": "procedural", "width": 64, "height": 64, "num_inference_steps": 1}
        sweep = studio.sweep("a {red|blue} boat", seed=1, project="harbour", **quick).wait(progress=False)
        red, blue = sweep.runs
        studio.vote(red, blue, "left", rater="Ada", ballot="nicer")
        studio.vote(blue, red, "tie", rater="Bob")
    return sweep.id


def test_rank_prints_a_table_and_what_should_be_known(studio, home):
    sweep = voted(home)
    shown = studio("rank", "--by", "prompt", "--sweep", sweep[-8:]).stdout
    assert shown.index("a red boat") < shown.index("a blue boat")
    assert "2 votes" in shown
    assert "more votes; the order is open" in shown
    assert "agreement" in shown


def test_rank_as_json_says_the_same_to_programs(studio, home):
    voted(home)
    said = json.loads(studio("rank", "--by", "prompt", "--project", "harbour", "--json").stdout)
    assert [group["group"] for group in said["groups"]] == ["a red boat", "a blue boat"]
    assert (said["votes"], said["is_enough"], said["agreement"]["raters"]) == (2, False, 2)
    only = json.loads(studio("rank", "--by", "prompt", "--ballot", "nicer", "--rater", "Ada", "--json").stdout)
    assert (only["votes"], only["agreement"]) == (1, None)


def test_rank_by_what_no_run_has_is_an_error(studio, home):
    voted(home)
    assert "none of these runs has 'colour'" in studio("rank", "--by", "colour", status=1).stderr
