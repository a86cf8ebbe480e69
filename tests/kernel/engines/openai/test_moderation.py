"""Judging texts and a picture."""

import pytest

from engine_subjects import encoded, scene
from servers.internet import Answer
from servers.openai import API, error
from studio_kernel.engines.openai.moderation import moderate
from studio_kernel.errors import BadAnswerError, InvalidInputError, RateLimitError


def test_a_text_is_judged(bench):
    found = moderate(["a violent fight"])

    assert found.flagged
    assert found.categories == ("violence",)
    assert found.scores["violence"] == 0.9
    assert found.applied["hate"] == ("text",)


def test_each_of_several_texts_is_judged_and_the_worst_counts(bench):
    found = moderate(["a violent fight", "a red boat"])

    assert bench.site.judged == [["a violent fight", "a red boat"]]
    assert (found.flagged, found.scores["violence"]) == (True, 0.9)


def test_what_is_harmless_is_not_flagged(bench):
    assert moderate(["a red boat"]).flagged is False


def test_a_picture_is_judged_for_what_pictures_are_judged_for(bench, tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(encoded(scene()))
    found = moderate(["a red boat"], path)

    assert found.applied["violence"] == ("text", "image")
    assert found.applied["sexual/minors"] == ("text",)
    assert bench.site.judged[0][1]["image_url"]["url"].startswith("data:image/png;base64,")


def test_without_anything_to_judge_nothing_is_sent(bench):
    assert moderate(["", "  "]).flagged is False
    assert bench.net.seen == []


def test_what_is_no_picture_is_refused_before_anything_is_sent(bench):
    with pytest.raises(InvalidInputError, match="not a picture"):
        moderate([], b"hello")
    assert bench.net.seen == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(error(429, "Slow down"), RateLimitError), (Answer(json={"results": []}), BadAnswerError)],
)
def test_errors_are_those_of_the_studio_and_cost_nothing(bench, answer, kind):
    bench.net.misbehave(API, answer)
    with pytest.raises(kind) as caught:
        moderate(["a red boat"])

    assert caught.value.paid == "no"
