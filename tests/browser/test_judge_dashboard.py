"""Judging as a dashboard: a visitor, who may do nothing else, says which is better, and sees what came of it."""

import pytest

import studio_kernel as sk
from accessibility import faults
from waiting import until

OPEN = """
import studio_kernel as sk
from studio_widgets import JudgePanel
JudgePanel(sk.open({home!r}, mode="viewer"), by="guidance_scale")
"""
QUICK = {"model": "procedural", "width": 96, "height": 96, "progress": False}


@pytest.fixture
def studio(home):
    with sk.open(home, runner="inline") as studio:
        for seed in (1, 2):
            for scale in (2.0, 5.0, 9.0):
                studio.generate("a red boat on the sea", seed=seed, guidance_scale=scale, **QUICK)
        yield studio


def said(studio):
    return [(row.rater, row.choice) for row in studio.votes().itertuples()]


def test_a_visitor_judges_by_keys_and_sees_the_result(studio, home, open_dashboard, page, screenshot):
    page.set_viewport_size({"width": 1400, "height": 1000})
    open_dashboard(OPEN.format(home=str(home)))
    name = page.get_by_label("Your name")
    page.get_by_text("6 pictures to judge.").wait_for()
    screenshot("judge-dashboard-setup")
    name.fill("A visitor")
    name.press("Enter")
    left = page.get_by_role("button", name="Left is better")
    left.and_(page.locator(":enabled")).wait_for()
    page.get_by_text("a red boat on the sea").wait_for()
    screenshot("judge-dashboard")
    for number, (key, choice) in enumerate([("ArrowLeft", "left"), ("ArrowDown", "tie"), ("s", "skip")], 1):
        page.keyboard.press(key)
        until(lambda number=number: len(said(studio)) == number)
        assert said(studio)[-1] == ("A visitor", choice)
        left.and_(page.locator(":enabled")).wait_for()
    page.keyboard.press("Control+z")
    until(lambda: len(said(studio)) == 2)
    left.and_(page.locator(":enabled")).wait_for()

    page.get_by_role("button", name="Show the result").locator("visible=true").click()
    page.get_by_text("By guidance scale, the strongest first").wait_for()
    screenshot("judge-dashboard-result")
    assert faults(page, page.locator(".studio").first) == []
    studio.vote(*studio.runs(limit=2).id, "left", rater="Somebody else")
    page.get_by_text("3 votes", exact=False).wait_for()
