"""An SVG of matplotlib made fit for a page: its colours follow the page's theme, its parts say what they are.

What comes out has no style sheet, no style attribute, no script and no address of anything else, so that it can stand
in a page with the strictest content security policy. Texts stay texts, in the font of the page.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

SPACE = "http://www.w3.org/2000/svg"
_LINK = "{http://www.w3.org/1999/xlink}href"
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_FONT_SIZE = re.compile(r"([\d.]+)px")
_KEPT = frozenset(
    {"fill", "fill-opacity", "fill-rule", "opacity", "text-anchor"}
    | {f"stroke{part}" for part in ("", "-dasharray", "-dashoffset", "-linecap", "-linejoin", "-opacity", "-width")}
)
"""What may be a declaration of a style and is an attribute as well."""
_DROPPED = frozenset(f"{{{SPACE}}}{name}" for name in ("metadata", "style"))


def themed(drawn: bytes, *, colours: Mapping[str, str], told: Mapping[str, str], label: str) -> str:
    """Return an SVG for the inside of an HTML page.

    Parameters
    ----------
    drawn : bytes
        As matplotlib writes it, with ``svg.fonttype`` ``"none"``.
    colours : mapping
        Colour of the drawing, such as ``#5b4bd6`` → name of the CSS variable that replaces it where a page has it.
    told : mapping
        Id of a group → what it says when it is pointed at. Such a group also gets ``class="chart-mark"`` and its id
        as ``data-mark``.
    label : str
        What is drawn, for those who cannot see it.
    """
    root = ElementTree.fromstring(drawn)
    _drop(root)
    prefix = f"c{hashlib.sha256(drawn).hexdigest()[:10]}-"  # ids of several charts in a page must not meet
    referred = frozenset(_references(root)) - {""}
    for element in root.iter():
        _plain(element, colours)
        _refer(element, prefix, referred, told)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib |= {"role": "img", "aria-label": label, "class": "chart"}
    root.attrib["pointer-events"] = "none"  # lines of the grid lie above the marks
    root.attrib |= {"stroke-linejoin": "round", "stroke-linecap": "butt"}  # what matplotlib's own style sheet says
    ElementTree.register_namespace("", SPACE)
    return ElementTree.tostring(root, encoding="unicode")


def _drop(element: ElementTree.Element) -> None:
    for child in list(element):
        if child.tag in _DROPPED:
            element.remove(child)
        else:
            _drop(child)


def _plain(element: ElementTree.Element, colours: Mapping[str, str]) -> None:
    """Turn the style of an element into attributes."""
    for declaration in element.attrib.pop("style", "").split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name in _KEPT:
            element.set(name, _COLOUR.sub(lambda found: _variable(found[0], colours), value))
        elif name in ("font", "font-size") and (size := _FONT_SIZE.search(value)):
            element.set("font-size", size[1])


def _variable(colour: str, colours: Mapping[str, str]) -> str:
    return f"var(--{colours[colour]}, {colour})" if colour in colours else colour


def _refer(element: ElementTree.Element, prefix: str, referred: frozenset[str], told: Mapping[str, str]) -> None:
    """Rename what is referred to, forget other ids, and let marks say what they are."""
    name = element.attrib.pop("id", "")
    if name in told:
        element.attrib |= {"class": "chart-mark", "data-mark": name, "pointer-events": "all"}
        title = ElementTree.Element(f"{{{SPACE}}}title")
        title.text = told[name]
        element.insert(0, title)
    elif name in referred:
        element.set("id", f"{prefix}{name}")
    if (link := element.attrib.pop(_LINK, "")).startswith("#"):
        element.set("href", f"#{prefix}{link[1:]}")
    if "clip-path" in element.attrib:
        element.set("clip-path", element.attrib["clip-path"].replace("#", f"#{prefix}", 1))


def _references(root: ElementTree.Element) -> Iterator[str]:
    for element in root.iter():
        yield element.get(_LINK, "").removeprefix("#")
        yield element.get("clip-path", "").removeprefix("url(#").removesuffix(")")
