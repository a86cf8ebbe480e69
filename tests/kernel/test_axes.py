"""Axes as people write them on a line."""

import pytest

import studio_kernel as sk
from studio_kernel.axes import read_group


@pytest.fixture
def card(home):
    with sk.open(home) as studio:
        return studio.models["procedural"]


@pytest.mark.parametrize(
    ("line", "names", "points"),
    [
        ("seed=1-3", ("seed",), [(1,), (2,), (3,)]),
        ("guidance-scale=1-9[2]", ("guidance_scale",), [(1.0,), (9.0,)]),
        ("scheduler=euler, ddim", ("scheduler",), [("euler",), ("ddim",)]),
        ("model=a,b", ("model",), [("a",), ("b",)]),
        ('prompt:red=red, "dark blue, matt"', ("prompt:red",), [("red",), ("dark blue, matt",)]),
        ("prompt:red + blue=x", ("prompt:red + blue",), [("x",)]),
        ("lora:ink=0-1[3]", ("lora:ink",), [(0.0,), (0.5,), (1.0,)]),
        ("replicate=1-2", ("replicate",), [(1,), (2,)]),
        (
            "scheduler+num-inference-steps=euler:20, ddim:50",
            ("scheduler", "num_inference_steps"),
            [("euler", 20), ("ddim", 50)],
        ),
        ('prompt + seed="a: b":1, "c, d":2', ("prompt", "seed"), [("a: b", 1), ("c, d", 2)]),
    ],
)
def test_a_line_is_an_axis_or_a_zipped_group(card, line, names, points):
    group = read_group(line, card)
    assert group.names == names
    assert list(group.points) == points


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("seed", "name=values"),
        ("=1", "name=values"),
        ("seed=x", "'x' is not a number"),
        ("scheduler+seed=euler", "has 1 values for scheduler . seed"),
        ("scheduler+seed=euler:1:2", "has 3 values"),
    ],
)
def test_a_line_that_cannot_be_read_says_why(card, line, told):
    with pytest.raises(ValueError, match=told):
        read_group(line, card)


def test_a_text_in_python_is_read_the_same_where_it_cannot_be_a_value_itself(home):
    with sk.open(home) as studio:
        axes = {"seed": "1-3", "lora:ink": "0-1[3]", "scheduler": "euler, ddim", "prompt:red": "blue, green"}
        sweep = studio.sweep("a red boat", model="procedural", axes=axes, start=False)
    assert sweep.definition.axes == {
        "seed": (1, 2, 3),
        "lora:ink": (0.0, 0.5, 1.0),
        "scheduler": ("euler", "ddim"),
        "prompt:red": ("blue, green",),
    }
