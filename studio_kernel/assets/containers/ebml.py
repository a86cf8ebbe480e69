"""WebM: one more ``Tags`` element at the end of the segment, whose size in the head is set (RFC 9559, 5.1.8).

Clusters and the indexes that point to them stay where they are. A file that was written while it was streamed says no
size and stays as it is. Programs that read tags only in front of the first cluster do not see ours.
"""

from __future__ import annotations

from studio_kernel.assets.containers.notes import KEY, Notes, OddFileError

SIGNATURE = b"\x1a\x45\xdf\xa3"
_SEGMENT, _TAGS = b"\x18\x53\x80\x67", b"\x12\x54\xc3\x67"
_TAG, _TARGETS, _SIMPLE, _NAME, _STRING = b"\x73\x73", b"\x63\xc0", b"\x67\xc8", b"\x45\xa3", b"\x44\x87"

Element = tuple[bytes, int, int, int]


def add(data: bytes, notes: Notes) -> bytes:
    """Return a WebM with the notes inside."""
    _id, begin, inside, end = _segment(data)
    children = _elements(data, inside, end)
    ours = _ours(data, children[-1])
    kept_to = children[-1][1] if ours is not None else end
    tags = _element(_TARGETS, b"") + _tag(KEY.upper(), notes.json) + _tag("COMMENT", notes.text)
    added = _element(_TAGS, _element(_TAG, tags))
    octets = inside - begin - len(_SEGMENT)
    size = kept_to - inside + len(added)
    if size >= (1 << 7 * octets) - 1:
        raise OddFileError("no room for a larger size")
    head = _SEGMENT + (size | 1 << 7 * octets).to_bytes(octets)
    return b"".join([memoryview(data)[:begin], head, memoryview(data)[inside:kept_to], added])


def find(data: bytes) -> str | None:
    """Return our JSON."""
    _id, _begin, inside, end = _segment(data)
    found = (_ours(data, child) for child in _elements(data, inside, end))
    return next((json for json in found if json is not None), None)


def _segment(data: bytes) -> Element:
    elements = _elements(data, 0, len(data))
    if [element[0] for element in elements] != [SIGNATURE, _SEGMENT]:
        raise OddFileError("not one segment")
    return elements[1]


def _ours(data: bytes, element: Element) -> str | None:
    """Return the JSON in an element when it is what `add` writes."""
    name = _element(_NAME, KEY.upper().encode())
    if element[0] != _TAGS or name not in data[element[2] : element[3]]:
        return None
    place = data.index(name, element[2]) + len(name)
    return data[slice(*_read(data, place)[2:])].decode()


def _elements(data: bytes, place: int, end: int) -> list[Element]:
    """Return id, begin, begin of the content and end of the elements between two places."""
    found = []
    while place < end:
        found.append(_read(data, place))
        place = found[-1][3]
    if place != end or not found:
        raise OddFileError("elements that do not fill the file")
    return found


def _read(data: bytes, place: int) -> Element:
    after_id = place + _octets(data[place])
    inside = after_id + _octets(data[after_id])
    octets = inside - after_id
    size = int.from_bytes(data[after_id:inside]) & (1 << 7 * octets) - 1
    if size == (1 << 7 * octets) - 1:
        raise OddFileError("an element of unknown size")
    return data[place:after_id], place, inside, inside + size


def _octets(first: int) -> int:
    if first == 0:
        raise OddFileError("a number of more than eight octets")
    return 9 - first.bit_length()


def _element(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) | 1 << 28).to_bytes(4) + body


def _tag(name: str, value: str) -> bytes:
    texts = _element(_NAME, name.encode()) + _element(_STRING, value.encode("utf-8", "replace"))
    return _element(_SIMPLE, texts)
