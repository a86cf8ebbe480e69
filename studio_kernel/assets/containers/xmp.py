"""An XMP packet: the form in which JPEG, WebP, GIF, MP4 and WAV hold properties (ISO 16684-1).

A packet of others is kept: ours is one more ``rdf:Description`` in it, put there as text.
"""

from __future__ import annotations

import re
from html import escape, unescape

from studio_kernel.assets.containers.notes import Notes, OddFileError

NAMESPACE = "urn:studio-workbench:provenance/1/"


def _shape(template: str) -> str:
    """Return the pattern of what a template makes."""
    return re.sub(r"\\\{(json|text)\\\}", "[^<]*", re.escape(template))


_BEGIN = (
    '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
)
_TEXT = (
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>'
    '<rdf:li xml:lang="x-default">{text}</rdf:li></rdf:Alt></dc:description></rdf:Description>\n'
)
_OURS = (
    f'<rdf:Description rdf:about="" xmlns:studio="{NAMESPACE}">'
    "<studio:provenance>{json}</studio:provenance></rdf:Description>\n"
)
_END = '</rdf:RDF></x:xmpmeta>\n<?xpacket end="r"?>'
_WRITTEN = re.compile(f"(?:{_shape(_TEXT)})?{_shape(_OURS)}")
_ELEMENT = re.compile(r"<studio:provenance[^>]*>([^<]*)<")
_ATTRIBUTE = re.compile(r"""studio:provenance=(["'])(.*?)\1""", re.DOTALL)  # as programs that tidy packets write it
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def packet(notes: Notes, existing: bytes | None = None) -> bytes:
    """Return a packet with the notes; `existing` is the file's own, which loses only notes of an earlier run."""
    ours = _OURS.format(json=escape(notes.json, quote=False))
    others = _WRITTEN.sub("", existing.decode()) if existing is not None else _BEGIN + _END
    if others == _BEGIN + _END:
        text = _TEXT.format(text=escape(_NOT_XML.sub("", notes.text), quote=False))
        return (_BEGIN + text + ours + _END).encode()
    before, end, after = others.partition("</rdf:RDF>")
    if not end or "</rdf:RDF>" in after or "provenance/1/" in before:
        raise OddFileError("an XMP packet of another shape")
    return (before + ours + end + after).encode()


def find(existing: bytes) -> str | None:
    """Return our JSON from a packet."""
    text = existing.decode("utf-8", "replace")
    element, attribute = _ELEMENT.search(text), _ATTRIBUTE.search(text)
    found = element[1] if element else attribute[2] if attribute else None
    return unescape(found) if found is not None else None
