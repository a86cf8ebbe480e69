import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from studio_kernel.display import MOST_INLINE_BYTES, Shown, plays_in_card, run_html, run_text
from studio_kernel.domain.assets import Asset
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunProgress, RunRecord, RunStatus

RECORD = RunRecord(
    "0199",
    GenerationRequest(
        "studio-tiny", parameters={"prompt": "<script>alert(1)</script>", "seed": 7, "guidance_scale": 5.0}
    ),
    "diffusers",
    RunStatus.SUCCEEDED,
    datetime(2026, 1, 2, tzinfo=UTC),
    elapsed_s=0.5,
)
DONE = RunProgress(RunStatus.SUCCEEDED)


def test_text_of_people_is_escaped():
    html = run_html(RECORD, DONE)
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_a_card_shows_picture_and_settings():
    html = run_html(RECORD, DONE, Shown("image/png", "/a.png", b"abc"))
    assert "data:image/webp;base64,YWJj" in html
    assert "guidance scale" in html
    assert "0.50 s" in html


def test_a_line_says_where_a_running_job_stands():
    text = run_text(RECORD, RunProgress(RunStatus.RUNNING, 3, 20))
    assert "running" in text
    assert "step 3 of 20" in text


def test_a_card_plays_a_small_video_with_its_still_in_front():
    html = run_html(RECORD, DONE, Shown("video/webm", "/home/v.webm", b"abc", b"def"))
    assert '<video controls playsinline preload="metadata" src="data:video/webm;base64,ZGVm"' in html
    assert 'poster="data:image/webp;base64,YWJj"' in html
    assert "/home/v.webm" not in html


def test_a_card_calls_a_quicktime_video_what_browsers_play():
    assert 'src="data:video/mp4;base64,ZGVm"' in run_html(
        RECORD, DONE, Shown("video/quicktime", "/v.mov", None, b"def")
    )


def test_a_card_plays_a_small_sound():
    html = run_html(RECORD, DONE, Shown("audio/wav", "/home/s.wav", None, b"def"))
    assert '<audio controls preload="metadata" src="data:audio/wav;base64,ZGVm"' in html


def test_a_card_shows_a_still_of_a_large_video_and_where_it_is():
    html = run_html(RECORD, DONE, Shown("video/mp4", "/home/<v>.mp4", b"abc"))
    assert '<img src="data:image/webp;base64,YWJj"' in html
    assert "/home/&lt;v&gt;.mp4" in html
    assert "<video" not in html


@pytest.mark.parametrize(
    ("media_type", "size", "plays"),
    [("video/mp4", MOST_INLINE_BYTES, True), ("audio/mpeg", MOST_INLINE_BYTES + 1, False), ("image/png", 10, False)],
)
def test_only_small_videos_and_sounds_are_in_the_card_themselves(media_type, size, plays):
    assert plays_in_card(Asset("a" * 64, media_type, size)) is plays


def test_a_card_counts_the_files_of_a_run():
    record = replace(RECORD, assets=(Asset("a" * 64, "image/png", 10),) * 3)
    assert re.search(">files</td><td[^>]*>3<", run_html(record, DONE))
