import pytest

from studio_kernel.domain.marks import Mark
from studio_kernel.domain.runs import RunStatus
from studio_kernel.domain.tasks import MAKING, Task


@pytest.mark.parametrize(
    "wrong",
    [
        {"rating": 6}, {"rating": -1}, {"rating": 2.0}, {"rating": True}, {"favourite": 1}, {"tags": "keep"},
        {"tags": [""]}, {"tags": ["x" * 65]}, {"tags": ["x"] * 33}, {"note": "x" * 4001}, {"note": 3},
    ],
)  # fmt: skip
def test_a_mark_no_form_can_make_is_refused(wrong):
    with pytest.raises(ValueError, match=r"."):
        Mark(**wrong)


def test_tags_are_trimmed_and_said_once():
    assert Mark(tags=(" keep", "keep", "sea ")).tags == ("keep", "sea")


def test_an_empty_mark_says_so():
    assert Mark().is_empty
    assert not Mark(note="").is_empty


@pytest.mark.parametrize(
    ("task", "medium"),
    [
        (Task.TEXT_TO_IMAGE, "image"), (Task.UPSCALE, "image"), (Task.LIP_SYNC, "video"),
        (Task.IMAGE_TO_VIDEO, "video"), (Task.TEXT_TO_SPEECH, "audio"), (Task.TEXT_TO_AUDIO, "audio"),
    ],
)  # fmt: skip
def test_a_task_knows_what_it_makes(task, medium):
    assert task.makes == medium


def test_there_are_eleven_tasks_with_readable_labels():
    assert len(MAKING) == 11
    assert Task.BACKGROUND_REMOVAL.label == "Background removal"


def test_a_status_only_rises_and_three_are_final():
    assert [status.rank for status in RunStatus] == [0, 1, 2, 2, 2]
    assert [status for status in RunStatus if status.is_final] == ["succeeded", "failed", "cancelled"]
