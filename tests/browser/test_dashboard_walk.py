"""The dashboard of a home as it ships, in two browsers: every page, links to a place, the way back, marks of others."""

import json
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image

import studio_kernel as sk
from accessibility import faults
from jupyter_processes import TOKEN
from waiting import until

DASHBOARD = Path(__file__).parents[2] / "notebooks" / "dashboards" / "studio.ipynb"
SCRIPT = "<img src=x onerror=\"document.title='hacked'\">"
QUICK = {"model": "procedural", "width": 128, "height": 128}
WIDTHS = (1400, 800, 390)


CATALOG = f"""
models:
  evil:
    engine: procedural
    name: {json.dumps(SCRIPT)}
    creator: {json.dumps(SCRIPT)}
    description: {json.dumps(SCRIPT)}
    tasks: [text-to-image]
    parameters: {{prompt: , seed: , width: {{default: 64}}, height: {{default: 64}}}}
"""


@pytest.fixture(scope="module")
def studio(shown_home, tmp_path_factory):
    """An editor on the home that the dashboards show, with texts in it that would do harm if they were no texts."""
    file = tmp_path_factory.mktemp("files") / f"{SCRIPT}.png"
    (shown_home / "catalog").mkdir()
    (shown_home / "catalog" / "own.yaml").write_text(CATALOG)
    Image.new("RGB", (64, 64), (9, 90, 160)).save(file)
    with sk.open(shown_home, runner="inline") as studio:
        studio.import_files([file])
        studio.generate("a boat", model="evil", progress=False)
        studio.create_project("Harbour", description=SCRIPT)
        runs = [
            studio.generate(
                f"a boat {SCRIPT}", seed=seed, project="harbour" if seed % 2 else None, progress=False, **QUICK
            )
            for seed in range(6)
        ]
        studio.mark(runs[5], tags=[SCRIPT], note=SCRIPT, rating=2, by=SCRIPT)
        studio.save_board(SCRIPT, runs[:3], by=SCRIPT)
        studio.sweep(f"a boat {SCRIPT}", axes={"seed": [21, 22]}, **QUICK).wait(progress=False)
        yield studio


@pytest.fixture
def other(browser, dashboard_server, page):
    """A second visitor, in a browser of their own, on the same address."""
    context = browser.new_context(viewport={"width": 1280, "height": 860}, reduced_motion="reduce")

    def visit(url):
        second = context.new_page()
        second.set_default_timeout(15_000)
        sign = "&" if "?" in url else "?"
        second.goto(f"{url}{sign}token={TOKEN}")
        return second

    yield visit
    for second in context.pages:
        config = second.evaluate("JSON.parse(document.querySelector('#jupyter-config-data').textContent)")
        dashboard_server.end_kernel(config["kernelId"])
    context.close()


def turn(page, name):
    page.get_by_role("navigation", name="Pages").get_by_role("button", name=name).click()
    page.locator(f".sw-page[aria-current=page]:has-text('{name}')").wait_for()


def address(page):
    return page.evaluate("location.href")  # page.url is of the last time that something was asked


def place(page):
    return {name: value for name, [value] in parse_qs(urlsplit(address(page)).query).items()}


def look(page, screenshot, name):
    """Take a picture at three widths; return what is wrong with it."""
    wrong = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        screenshot(f"dashboard-{name}-{width}")
        wide = page.evaluate("document.documentElement.scrollWidth")
        wrong += [f"{name}: {wide} > {width}"] if wide > width else []
    page.set_viewport_size({"width": 1280, "height": 900})
    return [*wrong, *faults(page, page.locator(".studio-dashboard"))]


def test_two_visitors_walk_through_the_dashboard_and_mark(
    studio, open_dashboard, dashboard_server, page, other, screenshot
):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    open_dashboard(DASHBOARD)
    page.get_by_text("10 runs so far.").wait_for()
    page.locator(".sv-thing img").nth(6).wait_for()
    until(lambda: "token" not in address(page))
    wrong = look(page, screenshot, "home")
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Your name").press("Enter")

    page.get_by_role("list", name="Projects").get_by_role("button", name="Harbour").click()
    page.get_by_role("heading", name="Harbour", level=1).wait_for()
    page.get_by_role("status").get_by_text("3 runs", exact=True).wait_for()
    page.locator(".sg-cell").first.click()
    page.locator(".sg-details .st-picture img").wait_for()
    wrong += look(page, screenshot, "gallery")
    page.get_by_role("button", name="Its own page").click()
    page.locator(".sr-picture img").wait_for()
    run = studio.runs(project="harbour", limit=1).id[0]
    until(lambda: place(page) == {"page": "run", "project": "harbour", "run": run})
    wrong += look(page, screenshot, "run")

    # a second visitor follows the link; both mark, and each sees what the other said
    second = other(address(page))
    second.locator(".sr-picture img").wait_for()
    second.get_by_label("Your name").fill("Bob")
    second.get_by_label("Your name").press("Enter")
    before = time.monotonic()
    page.get_by_role("radio", name="4 stars").click()
    until(lambda: studio.marks(run).marked_by.iloc[0] == "Ada", every=0.02, what="the name in the log")
    in_log = time.monotonic() - before
    second.locator(".sr-sayings").get_by_text("Ada").wait_for()
    seen = time.monotonic() - before
    second.get_by_role("button", name="♡ Favourite").click()
    page.locator(".sr-sayings").get_by_text("Bob").wait_for()
    page.get_by_role("button", name="♥ Favourite").wait_for()
    assert studio.record(run).rating == 4
    print(f"in the log after {in_log:.2f} s, on the other page after {seen:.2f} s")

    page.go_back()
    page.locator(".sg-details").wait_for()
    until(lambda: place(page)["page"] == "gallery")
    page.go_back()
    page.locator(".sg-details").wait_for(state="hidden")
    page.get_by_role("button", name="Studio", exact=True).click()
    page.get_by_role("list", name="Boards: pictures side by side").get_by_role("button").click()
    page.locator(".sc-slot").nth(2).wait_for()
    until(lambda: "board" in place(page))
    wrong += look(page, screenshot, "compare")
    for name in ("Sweeps", "Blind vote", "Costs", "Models"):
        turn(page, name)
        wrong += look(page, screenshot, name.lower().replace(" ", "-"))
        assert page.get_by_text("could not be shown").count() == 0
    studio.generate("a new boat", seed=99, progress=False, **QUICK)
    turn(page, "Home")
    page.get_by_text("11 runs so far.").wait_for()
    page.get_by_role("button", name="Dark colours").click()
    screenshot("dashboard-home-dark")

    assert [each.title() for each in (page, second)] == ["Studio", "Studio"], "a text was taken for a script"
    assert [url for url in asked if not url.startswith((dashboard_server.url, "data:", "blob:"))] == []
    assert wrong == []
