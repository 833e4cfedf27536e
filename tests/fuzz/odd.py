"""Odd inputs: what may stand where something else is expected, and valid documents with odd things done to them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hypothesis import strategies as st

__all__ = ["ODD", "json_documents", "odd_texts", "spoilt_bytes", "spoilt_xml"]

ODD = (
    *("", " ", "-", "@", "+", "%", "0", "-1", "1", "007", "3.5", "1e5", "1e400", "-1e400", "nan", "inf", "INFINITY"),
    *("-INFINITY", "true", "false", "null", "²", "\u0663", "9" * 14, "9" * 25, "9" * 400, "9" * 5000, "10s", "10 S"),
    *("PT10S", "99999999999h", "-5s", "n1", "n9", "N1", "web", "web:0", "web-clone", "db", "no", "Started", "Stopped"),
    *("Promoted", "started", "-1:0", "1:2:3:4", "1:2:x:4", ":::", "abc@1", "abc@1@seen", "a@b@c", "w@1@2", "@1@2"),
    *("20261122T200601Z-ca56ac", "00010101T000000Z-x", "99991231T235959Z-x", "abc+20261122T200601Z-ca56ac", "+"),
    *("pacewright", "pacewright-owed-web@n1", "#uname", "../../etc/passwd", "/etc/web", "a/b", "a b", "a\nb", "a\tb"),
    *("\u202e", "\ufeff", "\u00e9", "\u2028", "x" * 300, "x" * 5000, "{node}", "%s", "$(id)", "; reboot", "\x7f", "*"),
    *("[", "(", "(?:a+)+$", "\\", "'", '"', "<", "&amp;", "]]>", "--", "-n", "=", ",", ":", "::1", "[::1]:80"),
)

odd_texts = st.sampled_from(ODD) | st.text(max_size=20)

_NUMBER = st.integers(min_value=0, max_value=10_000)
_XML_TEXTS = odd_texts.map(lambda text: "".join(c if c in "\t\n" or (c >= " " and c < "\ud800") else "?" for c in text))


def spoilt_xml(documents: Sequence[bytes], names: Iterable[str] = ()) -> st.SearchStrategy[bytes]:
    """Valid documents in which elements and attributes were dropped, doubled, moved, renamed or given odd values.

    Args:
        documents: to begin with.
        names: of elements, for those that are renamed.
    """
    roots = [ET.fromstring(document) for document in documents]
    tags = sorted({element.tag for root in roots for element in root.iter()} | set(names))
    deeds = st.tuples(st.sampled_from(sorted(_XML_DEEDS)), _NUMBER, _NUMBER, _XML_TEXTS, st.sampled_from(tags))
    return st.builds(_spoil, st.sampled_from(documents), st.lists(deeds, min_size=1, max_size=6))


def _spoil(document: bytes, deeds: list[tuple[str, int, int, str, str]]) -> bytes:
    root = ET.fromstring(document)
    for deed, which, other, text, tag in deeds:
        elements = list(root.iter())
        element = elements[which % len(elements)]
        _XML_DEEDS[deed](root, element, elements[other % len(elements)], text, tag)
    return ET.tostring(root)


def _parent(root: ET.Element, element: ET.Element) -> ET.Element | None:
    return next((parent for parent in root.iter() if element in list(parent)), None)


def _drop(root: ET.Element, element: ET.Element, other: ET.Element, text: str, tag: str) -> None:
    parent = _parent(root, element)
    if parent is not None:
        parent.remove(element)


def _double(root: ET.Element, element: ET.Element, other: ET.Element, text: str, tag: str) -> None:
    parent = _parent(root, element)
    if parent is not None:
        parent.append(ET.fromstring(ET.tostring(element)))


def _move(root: ET.Element, element: ET.Element, other: ET.Element, text: str, tag: str) -> None:
    other.append(ET.fromstring(ET.tostring(element)))
    _drop(root, element, other, text, tag)


def _set(root: ET.Element, element: ET.Element, other: ET.Element, text: str, tag: str) -> None:
    names = sorted(element.keys()) or ["id"]
    element.set(names[len(text) % len(names)], text)


def _swap(root: ET.Element, element: ET.Element, other: ET.Element, text: str, tag: str) -> None:
    names = sorted(set(element.keys()) & set(other.keys())) or ["id"]
    name = names[len(text) % len(names)]
    mine, theirs = element.get(name, ""), other.get(name, "")
    element.set(name, theirs)
    other.set(name, mine)


def _unset(root: ET.Element, element: ET.Element, other: ET.Element, text: str, tag: str) -> None:
    names = sorted(element.keys())
    if names:
        del element.attrib[names[len(text) % len(names)]]


def _rename(root: ET.Element, element: ET.Element, other: ET.Element, text: str, tag: str) -> None:
    element.tag = tag


def _fill(root: ET.Element, element: ET.Element, other: ET.Element, text: str, tag: str) -> None:
    element.text = text


_Deed = Callable[[ET.Element, ET.Element, ET.Element, str, str], None]
_XML_DEEDS: dict[str, _Deed] = {
    deed.__name__: deed for deed in (_drop, _double, _move, _set, _swap, _unset, _rename, _fill)
}


def json_documents(documents: Sequence[object]) -> st.SearchStrategy[bytes]:
    """JSON: valid documents in which values were replaced, dropped or doubled; any JSON at all; and what is none."""
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | odd_texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_texts, inner, max_size=3),
        max_leaves=6,
    )
    deeds = st.lists(st.tuples(_NUMBER, st.sampled_from(("set", "drop", "name")), values, odd_texts), max_size=4)
    spoilt = st.builds(_spoil_json, st.sampled_from([json.dumps(document) for document in documents]), deeds)
    whole = (spoilt | values).map(lambda value: json.dumps(value).encode())
    return whole | spoilt_bytes([json.dumps(document).encode() for document in documents])


def _spoil_json(document: str, deeds: list[tuple[int, str, object, str]]) -> object:
    root: Any = json.loads(document)
    for which, deed, value, name in deeds:
        places = list(_places(root))
        if not places:
            return value
        holder, key = places[which % len(places)]
        if deed == "set":
            holder[key] = value
        elif deed == "drop":
            del holder[key]
        elif isinstance(holder, dict):
            holder[name] = holder.pop(key)
    return root


def _places(value: Any) -> Iterable[tuple[Any, Any]]:
    pairs = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    for key, inner in pairs:
        yield value, key
        yield from _places(inner)


def spoilt_bytes(documents: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Valid documents with bytes cut out, put in or repeated; and bytes that never were one."""
    pieces = st.sampled_from([text.encode("utf-8", "surrogatepass") for text in ODD]) | st.binary(max_size=8)
    cuts = st.lists(st.tuples(_NUMBER, st.integers(0, 30), pieces, st.integers(0, 3)), min_size=1, max_size=5)
    return st.builds(_cut, st.sampled_from(documents), cuts) | st.binary(max_size=60)


def _cut(document: bytes, cuts: list[tuple[int, int, bytes, int]]) -> bytes:
    for at, length, piece, times in cuts:
        start = at % (len(document) + 1)
        document = document[:start] + piece * times + document[start + length :]
    return document
