"""The file input without a screen: what is taken, what is refused and in which words, what is shown."""

import hashlib

import pytest

import media
from studio_kernel.assets import AssetStore
from studio_kernel.domain.parameters import Parameter, standard
from studio_kernel.domain.values import AssetRef
from studio_kernel.errors import InvalidInputError
from studio_widgets.media import intents
from studio_widgets.media.giving import Giving
from studio_widgets.media.panel import MediaInput
from studio_widgets.media.state import MediaState
from studio_widgets.media.transfer import PART_BYTES

IMAGE = standard("image")
SEVERAL = Parameter("images", "image", "Pictures", multiple=True, max_items=2)


class Form:
    """What asks for a file: it keeps what it is told, as references."""

    def __init__(self, parameter, root):
        self.assets = AssetStore(root)
        self.multiple = parameter.multiple
        self.value = None
        self.runs = []
        self.control = MediaInput(
            parameter, None, Giving(self.tell, self.runs.append, self.take_away, assets=self.assets)
        )
        self.state = self.control.state

    def tell(self, data, _name):
        ref = self.assets.take(data) if data else None
        self.value = (*(self.value or ()), ref) if self.multiple and ref else ref
        self.control.show(self.value)

    def take_away(self, place):
        self.value = tuple(ref for index, ref in enumerate(self.value) if index != place)
        self.control.show(self.value)


@pytest.fixture
def form(tmp_path):
    return lambda parameter=IMAGE: Form(parameter, tmp_path)


def test_what_is_given_is_shown_with_name_pixels_and_size(form):
    data = media.picture("png", (120, 80))
    one = form()
    assert one.state.give(data, "boat.png")
    [given] = one.control.widget.given
    assert given["name"] == "boat.png"
    assert given["facts"].startswith("120 × 80 px · ")
    assert one.state.picture(given["key"])[:4] == b"RIFF"


def test_a_video_is_shown_with_its_length(form):
    one = form(Parameter("clip", "video"))
    assert one.state.give(media.film("webm"), "clip.webm")
    assert one.control.widget.given[0]["facts"].startswith("64 × 48 px · 0.5 s · ")


def test_a_file_that_is_gone_says_so(form):
    one = form()
    one.control.show(AssetRef("ab" * 32, "image/png"))
    assert one.control.widget.given[0]["facts"] == "the file is missing"


@pytest.mark.parametrize(
    ("parameter", "data", "words"),
    [
        (standard("image"), media.film("webm"), "this is a video (video/webm), but an image is wanted"),
        (standard("mask_image"), media.sound("wav"), "this is a sound (audio/wav), but an image is wanted"),
        (Parameter("clip", "video"), media.picture("png"), "this is an image (image/png), but a video is wanted"),
        (standard("image"), b"MZ", "not a picture, video or sound"),
        (standard("image"), b"<svg onload='alert(1)'/>", "not a picture, video or sound"),
        (standard("image"), b"", "the file is empty"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(form, parameter, data, words):
    one = form(parameter)
    assert not one.state.give(data, "file")
    assert words in one.control.widget.error
    assert one.value is None


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(form, monkeypatch):
    monkeypatch.setattr("studio_kernel.engines.pictures.MAX_PIXELS", 100)
    one = form()
    assert not one.state.give(media.picture("png", (48, 32)))
    assert "48 × 32 pixels are more than" in one.state.error


def test_a_good_file_takes_the_error_away(form, picture):
    one = form()
    one.state.give(b"MZ")
    one.state.give(picture)
    assert one.control.widget.error == ""


def test_several_files_are_added_up_to_the_limit_and_removed_one_by_one(form):
    one = form(SEVERAL)
    for size in ((8, 8), (9, 9), (10, 10)):
        one.state.give(media.picture("png", size), f"{size[0]}.png")
    assert [given["name"] for given in one.control.widget.given] == ["8.png", "9.png"]
    assert "no more are taken" in one.state.error
    assert not one.control.widget.has_room
    one.state.take_away(0)
    assert [given["name"] for given in one.control.widget.given] == ["9.png"]
    assert one.control.widget.has_room


def test_a_place_where_nothing_is_given_takes_nothing_away(form, picture):
    one = form()
    one.state.give(picture)
    one.state.take_away(3)
    assert one.value is not None


def test_a_run_is_handed_on(form):
    one = form()
    assert one.state.give_run("0192")
    assert one.runs == ["0192"]


def test_what_the_form_refuses_is_said_at_the_control(picture):
    def refuse(_data, _name):
        raise InvalidInputError("the disk is full")

    state = MediaState(standard("image"), Giving(refuse))
    assert not state.give(picture, "a.png")
    assert state.error == "a.png: the disk is full"


# In parts, as a browser sends it


@pytest.fixture
def answers(form):
    """answers(*messages): what the control says to messages of a browser, and the form."""

    def hear(*messages, parameter=IMAGE):
        one, said = form(parameter), []
        one.control.widget.send = lambda content, **_buffers: said.append(content)  # the wire to the browser
        for content, *buffers in messages:
            one.control.widget._handle_custom_msg(content, buffers)
        return one, said

    return hear


def sliced(data, id_="a", name="big.png"):
    """The messages that bring a file."""
    parts = [data[start : start + PART_BYTES] for start in range(0, len(data), PART_BYTES)]
    begin = ({"kind": "begin", "id": id_, "name": name, "size": len(data)},)
    return [begin, *(({"kind": "part", "id": id_, "part": n}, memoryview(part)) for n, part in enumerate(parts))]


@pytest.fixture(scope="module")
def large():
    """A picture of several parts."""
    import io

    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(1).integers(0, 255, (900, 1000, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    assert len(buffer.getvalue()) > 2 * PART_BYTES
    return buffer.getvalue()


def test_a_file_in_parts_is_put_together_and_each_part_answered(answers, large):
    one, said = answers(*sliced(large))
    assert one.value.sha256 == hashlib.sha256(large).hexdigest()
    assert [(each["kind"], each.get("part")) for each in said] == [
        ("got", -1), ("got", 0), ("got", 1), ("end", None),
    ]  # fmt: skip


def test_a_part_out_of_order_ends_the_file(answers, large):
    begin, first, second, *rest = sliced(large)
    one, said = answers(begin, second, first, *rest)
    assert "part 1 came where part 0 was expected" in one.state.error
    assert said[1]["kind"] == "refused"
    assert one.value is None
    assert not one.state.is_receiving


def test_more_than_was_announced_is_refused(answers, picture):
    begin = ({"kind": "begin", "id": "a", "name": "a.png", "size": len(picture) - 1},)
    one, _said = answers(begin, ({"kind": "part", "id": "a", "part": 0}, picture))
    assert "does not fit the size" in one.state.error
    assert one.value is None


def test_a_file_that_says_it_is_too_large_is_refused_before_it_comes(answers):
    one, said = answers(({"kind": "begin", "id": "a", "name": "film.mp4", "size": 5 * 2**30},))
    assert one.state.error == "film.mp4: 5120 MB are more than the 64 MB allowed"
    assert [each["kind"] for each in said] == ["refused"]


def test_a_new_file_takes_the_place_of_one_that_stopped_half_way(answers, large, picture):
    one, _said = answers(*sliced(large)[:2], *sliced(picture, "b", "small.png"))
    assert one.value.sha256 == hashlib.sha256(picture).hexdigest()


def test_a_file_that_is_stopped_is_not_given(answers, large):
    *most, last = sliced(large)
    one, _said = answers(*most, ({"kind": "stop", "id": "a"},), last)
    assert one.value is None
    assert one.state.error == ""


def test_a_control_without_effect_takes_nothing(form, picture):
    one = form()
    one.control.disable("Not with this model.")
    for content, *buffers in [*sliced(picture), ({"kind": "run", "run": "0192"},)]:
        one.control.widget._handle_custom_msg(content, buffers)
    assert (one.value, one.runs) == (None, [])


@pytest.mark.parametrize(
    ("content", "buffers"),
    [
        ({}, []),
        ({"kind": "begin", "id": "", "name": "a", "size": 1}, []),
        ({"kind": "begin", "id": "a" * 65, "name": "a", "size": 1}, []),
        ({"kind": "begin", "id": "a", "name": "a", "size": -1}, []),
        ({"kind": "begin", "id": "a", "name": "a", "size": True}, []),
        ({"kind": "begin", "id": "a", "name": 3, "size": 1}, []),
        ({"kind": "part", "id": "a", "part": 0}, []),
        ({"kind": "part", "id": "a", "part": 0}, [b"a", b"b"]),
        ({"kind": "part", "id": "a", "part": -1}, [b"a"]),
        ({"kind": "part", "id": "a", "part": 0}, [bytes(PART_BYTES + 1)]),
        ({"kind": "run", "run": ["0192"]}, []),
        ({"kind": "remove", "place": "0"}, []),
        ({"kind": "pictures", "keys": ["a"] * 65}, []),
        ({"kind": "pictures", "keys": [None]}, []),
        ({"kind": "eval", "code": "1"}, []),
    ],
)
def test_other_messages_are_dropped(content, buffers):
    assert intents.read(content, buffers) is None


def test_file_names_lose_what_cannot_be_seen():
    read = intents.read({"kind": "begin", "id": "a", "name": "a\n\u202egnp.exe" + "x" * 300, "size": 1}, [])
    assert read.name.startswith("agnp.exe")
    assert len(read.name) == intents.MAX_NAME


def test_only_pictures_of_what_is_given_are_sent(form, picture, tmp_path):
    one = form()
    other = one.assets.take(media.picture("png", (9, 9)))
    one.state.give(picture)
    assert one.state.picture(other.sha256) == b""
