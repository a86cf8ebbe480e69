"""The script of every widget can be read by a browser: parts that are joined must not say the same name twice."""

import importlib
import pkgutil

import anywidget

import studio_widgets


def widgets():
    """Return (name, script) of every widget of the panels."""
    modules = [
        importlib.import_module(each.name) for each in pkgutil.walk_packages(studio_widgets.__path__, "studio_widgets.")
    ]
    made = {value for module in modules for value in vars(module).values() if isinstance(value, type)}
    ours = [
        each for each in made if issubclass(each, anywidget.AnyWidget) and each.__module__.startswith("studio_widgets.")
    ]
    return [(each.__name__, str(each._esm)) for each in ours]


def test_every_script_is_one_module_that_renders(page):
    found = widgets()
    assert len(found) > 25
    told = page.evaluate(
        """async (scripts) => Object.fromEntries(await Promise.all(scripts.map(async ([name, script]) => {
            const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
            return [name, await import(url).then((made) => typeof made.default.render, String)];
        })))""",
        found,
    )
    assert told == dict.fromkeys(told, "function")
