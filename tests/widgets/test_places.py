"""The address of a dashboard: what it says is taken, what it cannot say is left out and told, and nothing is raised."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_widgets.dashboard.places import MAX_QUERY, PAGES, Place

RUN = "01931c2e-7b1a-7000-8000-0123456789ab"
OTHER = "01931c2e-7b1a-7000-8000-0123456789ac"


@pytest.mark.parametrize(
    "place",
    [
        Place(),
        Place("gallery", project="boats & sails", run=RUN, text="a <b>red</b> boat?"),
        Place("compare", runs=(RUN, OTHER)),
        Place("compare", board="For Ada & Bob"),
        Place("judge", ballot="Which is sharper?"),
        Place("costs", by="model"),
        Place("sweep", sweep=RUN),
    ],
)
def test_a_place_is_the_same_after_a_walk_through_an_address(place):
    again = Place.parse(place.query())
    assert again == place
    assert not again.problems


@given(st.text(max_size=3000))
def test_no_address_breaks_anything(query):
    place = Place.parse(query)
    assert place.page in PAGES
    assert Place.parse(place.query()) == place


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("?page=admin", "there is no page 'admin'"),
        ("?run=../../etc/passwd", "run cannot be"),
        ("?run=' OR 1=1 --", "run cannot be"),
        ("?runs=" + ",".join(f"0192{n:04x}" for n in range(25)), "runs cannot be"),
        ("?sweep=<script>", "sweep cannot be"),
        ("?project=a%00b", "project cannot be"),
        ("?project=%ff%fe", "project cannot be"),
        ("?ballot=" + "x" * 81, "ballot cannot be"),
        ("?by=a b", "by cannot be"),
        ("?what=this", "'what' says nothing here"),
        ("?project=a&project=b", "twice"),
        ("?" + "x" * MAX_QUERY, "2,000 are the most"),
    ],
)
def test_what_is_not_understood_is_left_out_and_told(query, told):
    place = Place.parse(query)
    assert place == Place(project="a" if "project=a&" in query else "")
    assert told in place.problems[0]


def test_the_token_of_the_server_is_no_part_of_a_place():
    place = Place.parse("?token=secret&page=gallery")
    assert place == Place("gallery")
    assert not place.problems
    assert "secret" not in place.query()


def test_the_front_page_calls_pages_what_their_tabs_call_them():
    notebook = Path(__file__).parents[2] / "notebooks" / "dashboards" / "studio.ipynb"
    told = json.loads(notebook.read_text())["metadata"]["studio"]["pages"]
    assert told.items() <= PAGES.items()
