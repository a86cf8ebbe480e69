"""The shared look: every rule is for something that there is. What widgets have alone begins with their own letters."""

import re
from collections import defaultdict
from pathlib import Path

import studio_widgets

ROOT = Path(studio_widgets.__file__).parent
OF_JUPYTER = re.compile(r"jupyter-widgets|noUi-\w+|widget-\w+(-\w+)*")
"""Made by Jupyter's own widgets, so that they stand in none of our files."""
SHARED = {"sc": {"batch", "cells", "compare"}, "sr": {"presets", "reports", "run"}, "sw": {"dashboard", "sweep"}}
"""Letters that several widgets still have; no more of them."""


def rules(path):
    """Return a style sheet without comments and addresses."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r'url\("[^"]*"\)', "", text)


def test_every_class_of_the_theme_is_given_to_something():
    named = set(re.findall(r"\.([a-z][\w-]*)", rules(ROOT / "theme.css")))
    made = "".join(path.read_text(encoding="utf-8") for kind in ("py", "js") for path in ROOT.rglob(f"*.{kind}"))
    given = set(re.findall(r"[a-z][\w-]*", made))
    assert {name for name in named - given if not OF_JUPYTER.fullmatch(name)} == set()


def test_the_letters_that_classes_begin_with_belong_to_one_widget():
    homes = defaultdict(set)
    for path in ROOT.rglob("*.css"):
        for selector in re.findall(r"([^{};,]+)[{,]", rules(path)):
            own = re.search(r"\.(?!st-)(s[a-z])-", selector)  # in front: what follows may be another's, inside of it
            if own is not None:
                homes[own[1]].add(path.parent.name)
    assert {letters: widgets for letters, widgets in homes.items() if len(widgets) > 1} == SHARED
