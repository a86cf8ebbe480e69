"""Answers are read in every shape that services are known to give them."""

import math
from dataclasses import replace

import pytest
from immutabledict import immutabledict

from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import freeze
from studio_kernel.engines.remote.answers import LONGEST_TEXT, media_kind, read_answer
from studio_kernel.errors import BadAnswerError
from studio_kernel.keys import Key

A, B = "https://v3.fal.media/a.png", "https://v3.fal.media/b.png"
DATA = "data:image/png;base64,aGVsbG8="


def card(path="images[].url", kind="images", **output):
    return ModelCard(
        "x/y", "Y", "tests", "fal", (Task.TEXT_TO_IMAGE,), (), output=immutabledict(kind=kind, path=path, **output)
    )


def addresses(answer, **about):
    return [file.url for file in read_answer("fal", card(**about), answer)[0]]


SHAPES = {
    "a list of objects": ("images[].url", {"images": [{"url": A}, {"url": B}]}, [A, B]),
    "a list of addresses": ("images[].url", {"images": [A, B]}, [A, B]),
    "one object for a list": ("images[].url", {"images": {"url": A}}, [A]),
    "one address for a list": ("images[].url", {"images": A}, [A]),
    "nulls in a list": ("images[].url", {"images": [None, {"url": None}, {"url": A}]}, [A]),
    "an object": ("image.url", {"image": {"url": A}}, [A]),
    "an address for an object": ("video.url", {"video": A}, [A]),
    "a list for an object": ("video.url", {"video": [{"url": A}]}, [A]),
    "a list of videos": ("video[].url", {"video": [{"url": A}, {"url": B}]}, [A, B]),
    "a data address": ("images[].url", {"images": [{"url": DATA}]}, [DATA]),
    "another place": ("image.url", {"images": [{"url": A}]}, [A]),
    "an audio file": ("audio.url", {"audio_file": {"url": A}}, [A]),
    "a name of its own": ("audio_file.url", {"audio_file": {"url": A}}, [A]),
    "deep": ("data.images[].url", {"data": {"images": [{"url": A}]}}, [A]),
    "lists in lists": ("images[].url", {"images": [[{"url": A}], [{"url": B}]]}, [A, B]),
    "a list alone": ("output", [A, B], [A, B]),
    "an address alone": ("output", A, [A]),
    "an address as output": ("output", {"output": A}, [A]),
    "an object as output": ("output", {"output": {"url": A}}, [A]),
    "text in place of a file": ("data[].b64_json", {"data": [{"b64_json": "aGVsbG8="}]}, ["data:;base64,aGVsbG8="]),
    "blanks around": ("image.url", {"image": {"url": f" {A}\n"}}, [A]),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_file_is_found_in(shape):
    path, answer, expected = SHAPES[shape]

    assert addresses(answer, path=path) == expected


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"images": []},
        {"images": None},
        {"images": [{"url": ""}]},
        {"images": [{"url": 3}]},
        {"images": "soon"},
        {"detail": "failed"},
        None,
        7,
        [],
    ],
)
def test_an_answer_without_a_file_was_paid_and_tells_what_came(answer):
    with pytest.raises(BadAnswerError, match="names no image") as caught:
        read_answer("fal", card(), answer)

    assert caught.value.paid == "yes"


def test_what_is_said_of_a_file_is_taken():
    said = {"url": A, "content_type": "image/png", "file_size": 10, "seed": 3, "width": 4}
    (file,), _ = read_answer("fal", card(), {"images": [said]})

    assert (file.kind, file.media_type, file.size_bytes, file.seed) == ("image", "image/png", 10, 3)


@pytest.mark.parametrize("nothing", [None, "x", -1, True, 0])
def test_what_is_no_size_and_no_seed_is_not_taken(nothing):
    said = {"url": A, "content_type": None, "file_size": None if nothing is True else nothing, "seed": nothing}
    (file,), _ = read_answer("fal", card(), {"images": [said]})

    assert (file.media_type, file.size_bytes) == ("", None)
    assert file.seed in (None, 0)


def test_what_stands_beside_the_files_is_reported():
    answer = {
        "images": [{"url": A}],
        "seed": 42,
        "has_nsfw_concepts": [False],
        "timings": {"inference": 1.5, "broken": math.nan},
        "prompt": None,
        "lyrics": "la " * LONGEST_TEXT,
        "$asset": {"$lora": "not a reference"},
    }

    _, report = read_answer("fal", card(), answer)

    assert freeze(report) == report
    assert (report["seed"], report["has_nsfw_concepts"]) == (42, (False,))
    assert report["timings"] == {"inference": 1.5, "broken": None}
    assert "prompt" not in report
    assert "images" not in report
    assert len(report["lyrics"]) == LONGEST_TEXT + 1


def test_a_mask_is_a_second_file_and_a_picture():
    answer = {"video": {"url": A}, "mask_image": {"url": B}}
    files, report = read_answer("fal", card("video.url", "video"), answer)

    assert [(file.url, file.kind) for file in files] == [(A, "video"), (B, "image")]
    assert "mask_image" not in report


def test_a_mask_that_was_not_made_is_none():
    files, report = read_answer("fal", card("image.url", "image"), {"image": {"url": A}, "mask_image": None})

    assert len(files) == 1
    assert "mask_image" not in report


def test_a_key_in_a_report_is_hidden():
    Key("secret-0123456789", "a test")
    _, report = read_answer(
        "fal", card(), {"images": [A], "prompt": "secret-0123456789", "x": {"secret-0123456789": 1}}
    )

    assert "secret-0123456789" not in repr(report)


def test_an_answer_may_be_as_deep_as_it_likes():
    deep = {}
    for _ in range(100):
        deep = {"more": deep}

    assert read_answer("fal", card(), {"images": [A], "x": deep})


def test_a_card_that_does_not_say_what_it_makes_makes_what_its_task_does():
    assert media_kind(replace(card(), output=None)) == "image"
    assert media_kind(replace(card(), output=None, tasks=(Task.TEXT_TO_VIDEO,))) == "video"
