"""``studio report`` as a process of its own."""

import json

import studio_kernel as sk


def made(home):
    with sk.open(home, runner="inline") as studio:
        run = studio.generate("a boat", model="procedural", width=64, height=64, num_inference_steps=1, progress=False)
        studio.mark(run, rating=4)
        studio.home.settings_file.write_text("[budget]\nday_usd = 2.0\nrun_usd = 1.0\n")


def test_report_shows_models_and_what_is_left_of_budgets(studio, home):
    made(home)
    shown = studio("report").stdout
    assert "procedural" in shown
    assert "strength" not in shown  # nobody has voted
    assert "the day's budget, today: 2.00 $ of 2.00 $ left" in shown
    assert "the budget of a run, each run: 1.00 $\n" in shown


def test_report_as_json_says_the_same_to_programs(studio, home):
    made(home)
    said = json.loads(studio("report", "--json").stdout)
    [row] = said["rows"]
    assert (row["model"], row["success_rate"], row["rating"], row["strength"]) == ("procedural", 1.0, 4.0, None)
    assert [each["left_usd"] for each in said["budgets"]] == [2.0, 1.0]
    [day] = json.loads(studio("report", "--by", "day", "--json").stdout)["rows"]
    assert (day["runs"], day["pictures"]) == (1, 1)
    assert json.loads(studio("report", "--since", "2100-01-01", "--json").stdout)["rows"] == []


def test_report_of_nothing_says_so(studio, home):
    sk.open(home).close()
    assert "nothing was made" in studio("report").stdout
