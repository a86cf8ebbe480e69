from datetime import UTC, datetime

from studio_kernel.display import run_html, run_text
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
    html = run_html(RECORD, DONE, None)
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_a_card_shows_picture_and_settings():
    html = run_html(RECORD, DONE, b"abc")
    assert "data:image/webp;base64,YWJj" in html
    assert "guidance scale" in html
    assert "0.50 s" in html


def test_a_line_says_where_a_running_job_stands():
    text = run_text(RECORD, RunProgress(RunStatus.RUNNING, 3, 20))
    assert "running" in text
    assert "step 3 of 20" in text
