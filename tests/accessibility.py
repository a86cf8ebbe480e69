"""What axe-core finds serious about the panels of a page (WCAG 2, A and AA)."""

from axe_playwright_python.sync_playwright import Axe

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}
MARK = """(element) => {
    document.querySelector("[data-checked]")?.removeAttribute("data-checked");
    element.dataset.checked = "";
}"""
GRAVE = ("serious", "critical")


def faults(page, part):
    """Return a line for every element of a part of the page that breaks a rule."""
    part.evaluate(MARK)
    found = Axe().run(page, context="[data-checked]", options=RULES).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]} ({node['target']})"
        for rule in found
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]
