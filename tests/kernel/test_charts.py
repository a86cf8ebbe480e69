"""Charts of what was used and of how models compare, and what becomes of them in a page."""

import subprocess
import sys
from datetime import date, timedelta
from xml.etree import ElementTree

import pandas as pd
import pytest

from studio_kernel.charts import MOST_DAYS, MOST_MODELS, MOST_NAMES, report_figure, usage_figure
from studio_kernel.figures import THEME

HOSTILE = "<script>alert('&')</script> $x^2$ 日本語"
NAME = "{http://www.w3.org/2000/svg}"


def usage(*rows):
    """A table of usage; a row is what, succeeded, failed, billed and total."""
    columns = ["what", "runs", "succeeded", "failed", "cancelled", "billed_usd", "total_usd", "estimated_usd"]
    lines = [(what, s + f, s, f, 0, billed, total, 0.9 * total) for what, s, f, billed, total in rows]
    return pd.DataFrame(lines, columns=columns)


def days(count, first=date(2026, 11, 2)):
    return usage(*(((first + timedelta(days=n)).isoformat(), 2, 1, 0.5, 0.75) for n in range(count)))


def report(*rows):
    columns = ["model", "success_rate", "median_s", "p90_s", "median_usd", "rating", "strength"]
    return pd.DataFrame(rows, columns=columns)


def titles(figure):
    return [axes.get_title("left") for axes in figure.axes if axes.axison]


def told(figure):
    return list(dict.fromkeys(figure.told.values()))


def test_a_bar_says_what_it_stands_for():
    figure = usage_figure(usage(("paid", 3, 1, 1.5, 2.0)))
    assert told(figure) == ["paid: 4 runs, 3 succeeded, 1 failed, 1.50 $ billed, 0.50 $ no bill yet, 1.80 $ estimate"]
    assert set(figure.rows.values()) == {"paid"}


def test_parts_of_a_bar_stand_on_each_other():
    figure = usage_figure(usage(("paid", 3, 1, 0.0, 0.0)))
    ground, succeeded, failed = figure.axes[0].patches
    assert (succeeded.get_x(), succeeded.get_width()) == (0, 3)
    assert (failed.get_x(), failed.get_width()) == (3, 1)
    assert ground.get_width() >= 4


def test_money_has_a_panel_only_where_there_was_any():
    assert titles(usage_figure(usage(("free", 1, 0, 0.0, 0.0)))) == ["Runs"]
    assert titles(usage_figure(usage(("paid", 1, 0, 0.0, 0.1)))) == ["Runs", "Spent, $"]


def test_days_without_runs_are_there_as_well():
    table = pd.concat([days(1), days(1, date(2026, 11, 5))])
    figure = usage_figure(table)
    assert [text.split(":")[0] for text in told(figure)] == ["2 Nov 2026", "3 Nov 2026", "4 Nov 2026", "5 Nov 2026"]
    assert sorted(set(figure.rows.values())) == ["2026-11-02", "2026-11-05"]


@pytest.mark.parametrize(
    ("count", "first_told"),
    [(MOST_DAYS, "2 Nov 2026"), (MOST_DAYS + 1, "week of 2 Nov 2026"), (7 * MOST_DAYS + 1, "November 2026")],
)
def test_many_days_are_drawn_as_weeks_or_months(count, first_told):
    figure = usage_figure(days(count))
    assert told(figure)[0].split(":")[0] == first_told
    assert f"{2 * count:,}" in figure.label or f"{3 * count:,}" in figure.label


def test_a_project_called_like_a_day_is_no_day_among_projects():
    figure = usage_figure(usage(("2026-11-02", 1, 0, 0, 0)), by="project")
    assert told(figure) == ["2026-11-02: 1 run, 1 succeeded"]


def test_of_many_names_the_last_are_one_bar():
    figure = usage_figure(usage(*((f"m{n}", 1, 0, 0, 0) for n in range(MOST_NAMES + 4))))
    assert told(figure)[-1] == "5 others: 5 runs, 5 succeeded"
    assert len(told(figure)) == MOST_NAMES


def test_an_empty_table_is_drawn_as_such():
    assert "No runs" in usage_figure(usage()).as_svg()
    assert "No runs" in report_figure(report()).as_svg()


def test_models_have_a_panel_for_each_number_that_is_known():
    figure = report_figure(report(("a", 0.5, 2.0, 3.0, None, 4.0, None), ("b", 1.0, 1.0, 1.0, None, None, None)))
    assert titles(figure) == ["Succeeded, %", "Time, s", "Rating, stars"]
    assert "a: Succeeded, % 50" in told(figure)
    assert "a: Time, s 2 (median; nine of ten took at most 3 s)" in told(figure)
    assert not any(text.startswith("b: Rating") for text in told(figure))


@pytest.mark.parametrize(("slowest", "scale"), [(40.0, "linear"), (60.0, "log")])
def test_times_that_differ_much_stand_on_a_logarithmic_scale(slowest, scale):
    figure = report_figure(report(("a", 1, 1.0, None, None, None, None), ("b", 1, slowest, None, None, None, None)))
    assert figure.axes[1].get_xscale() == scale


def test_of_very_many_models_the_first_are_drawn():
    figure = report_figure(report(*((f"m{n}", 1, 1.0, 1.0, 1.0, 3.0, 0.1) for n in range(MOST_MODELS + 1))))
    assert f"the first {MOST_MODELS} of {MOST_MODELS + 1} models" in figure.label


@pytest.fixture(params=[340, 1100])
def svg(request):
    return usage_figure(usage((HOSTILE, 3, 1, 1.5, 2.0)), width=request.param).as_svg()


def test_texts_of_people_are_texts_in_a_page(svg):
    root = ElementTree.fromstring(svg)
    assert any(HOSTILE in (title.text or "") for title in root.iter(f"{NAME}title"))
    allowed = {"svg", "g", "path", "text", "tspan", "defs", "clipPath", "rect", "use", "title"}
    assert {element.tag.removeprefix(NAME) for element in root.iter()} <= allowed


def test_an_svg_needs_no_style_and_refers_to_nothing_outside(svg):
    root = ElementTree.fromstring(svg)
    names = {name for element in root.iter() for name in element.attrib}
    assert "style" not in names
    assert not [name for name in names if name.startswith("on")]
    assert all(element.get("href", "#").startswith("#") for element in root.iter())


def test_what_an_svg_refers_to_is_in_it(svg):
    root = ElementTree.fromstring(svg)
    known = {element.get("id") for element in root.iter()}
    referred = {e.get("clip-path")[5:-1] for e in root.iter() if e.get("clip-path")}
    assert referred
    assert referred <= known


def test_colours_of_an_svg_are_those_of_the_page(svg):
    for name in ("chart-ink", "chart-dim", "chart-first", "chart-second", "chart-ground"):
        assert f"var(--{name}, #" in svg
    assert not any(f'"{colour}"' in svg for colour in THEME)


def test_marks_of_an_svg_can_be_found(svg):
    marks = [e for e in ElementTree.fromstring(svg).iter() if e.get("class") == "chart-mark"]
    figure = usage_figure(usage((HOSTILE, 3, 1, 1.5, 2.0)))
    assert {mark.get("data-mark") for mark in marks} == set(figure.rows)


def test_the_same_table_makes_the_same_svg():
    assert usage_figure(days(3)).as_svg() == usage_figure(days(3)).as_svg()


def test_matplotlib_is_loaded_only_to_draw():
    code = "import sys, studio_kernel.charts; raise SystemExit('matplotlib' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
