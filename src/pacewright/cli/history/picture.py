"""A timeline as a picture: SVG with every instance as a row, calls and commits as marks that tell more when hovered."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import datetime

from pacewright.cli.history.axis import ticks
from pacewright.cli.history.lanes import CHARACTER, RIGHT, Placed, Scale, clean, cut, in_lanes
from pacewright.cli.history.rows import happened, who
from pacewright.cli.tables import moment
from pacewright.record.call_history import Story
from pacewright.record.reading import Entry
from pacewright.record.timeline import Row, Span, Timeline

__all__ = ["picture"]

_WIDTH = RIGHT + 34
_MARGIN = 20.0
_ROW = 22.0
_BAR = 14.0
_LANE = 18.0
_LABELS = 260.0
_TICK = 90.0

_INK, _FAINT, _GRID, _PAPER = "#1f2933", "#66727f", "#e4e8ec", "#ffffff"
_COMMIT, _FAILED, _CALL, _IDLE = "#1d4ed8", "#c62828", "#5b6b8c", "#b8c1cc"
_COLOURS = {
    "Started": "#2e9e5b",
    "Unpromoted": "#7cc69a",
    "Promoted": "#17693a",
    "starting": "#f2b134",
    "promoting": "#e3c04a",
    "demoting": "#e59a4d",
    "stopping": "#e2762b",
    "migrating": "#8e6bbf",
    "Stopped": "#aab4be",
    "failed": _FAILED,
    "offline": "#4a5560",
    "unknown": "#e6dcc3",
}
_OTHER = "#9aa5b1"


def picture(drawn: Timeline) -> str:
    """The whole SVG document."""
    pad = max((drawn.end - drawn.begin) * 0.02, 0.5)
    longest = max((len(_row_name(row)) for row in drawn.rows), default=0)
    left = _MARGIN + min(max(longest * CHARACTER + 12, 70.0), _LABELS)
    scale = Scale(begin=drawn.begin - pad, end=drawn.end + pad, left=left)
    placed = in_lanes(drawn.calls, scale)
    calls_top = 58.0
    commits_y = calls_top + (max((each.lane for each in placed), default=0) + 1) * _LANE + 12
    rows_top = commits_y + 14
    bottom = rows_top + len(drawn.rows) * _ROW
    svg = _document(drawn, height=bottom + 78)
    _axis(svg, scale, top=calls_top - 6, bottom=bottom)
    for number, row in enumerate(drawn.rows):
        _row(svg, row, scale, rows_top + number * _ROW)
    _text(svg, _MARGIN, calls_top + 9, "calls", fill=_FAINT)
    for each in placed:
        _call(svg, each, scale, calls_top + each.lane * _LANE)
    _text(svg, _MARGIN, commits_y + 4, "commits", fill=_FAINT)
    for kind in ("conflict", "commit"):
        for call in drawn.calls:
            for entry in call.of(kind):
                _commit(svg, entry, call, scale, commits_y, bottom)
    _legend(svg, drawn, bottom + 58)
    ET.indent(svg, " ")
    return ET.tostring(svg, encoding="unicode") + "\n"


# -- parts ------------------------------------------------------------------------------------------------------------


def _document(drawn: Timeline, height: float) -> ET.Element:
    svg = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_WIDTH:g} {height:g}",
            "width": f"{_WIDTH:g}",
            "height": f"{height:g}",
            "role": "img",
            "font-family": "system-ui, 'DejaVu Sans', Helvetica, Arial, sans-serif",
            "font-size": "11",
        },
    )
    services = ", ".join(dict.fromkeys(call.entries[0].service for call in drawn.calls if call.entries[0].service))
    nodes = ", ".join(dict.fromkeys(call.entries[0].node for call in drawn.calls if call.entries[0].node))
    title = clean(cut(f"{services}: calls on {nodes}", 130))
    ET.SubElement(svg, "title").text = title
    _shape(svg, "rect", x=0, y=0, width=_WIDTH, height=height, fill=_PAPER)
    _text(svg, _MARGIN, 26, title, size="15", weight="600")
    zone = datetime.fromtimestamp(drawn.begin).astimezone().tzname() or ""
    span = f"{moment(drawn.begin)} to {moment(drawn.end)} {zone}"
    _text(svg, _MARGIN, 43, clean(span), fill=_FAINT)
    return svg


def _axis(svg: ET.Element, scale: Scale, top: float, bottom: float) -> None:
    axis = ET.SubElement(svg, "g", {"class": "axis"})
    for tick in ticks(scale.begin, scale.end, int((RIGHT - scale.left) / _TICK)):
        x = scale.x(tick.at)
        _shape(axis, "line", x1=x, y1=top, x2=x, y2=bottom + 5, stroke=_GRID)
        _text(axis, x, bottom + 18, tick.text, anchor="middle")
        if tick.day:
            _text(axis, x, bottom + 32, tick.day, anchor="middle", fill=_FAINT)
    _shape(axis, "line", x1=scale.left, y1=bottom, x2=RIGHT, y2=bottom, stroke=_FAINT)


def _row(svg: ET.Element, row: Row, scale: Scale, top: float) -> None:
    group = ET.SubElement(svg, "g", {"class": "instance"})
    _text(group, scale.left - 8, top + 14, cut(_row_name(row), int(_LABELS / CHARACTER)), anchor="end")
    for span in row.spans:
        x, width = scale.box(span.begin, span.end)
        more = {} if span.watched else {"opacity": "0.35"}
        colour = _COLOURS.get(span.state, _OTHER)
        bar = _shape(group, "rect", x=x, y=top + 4, width=width, height=_BAR, fill=colour, stroke=_PAPER, **more)
        bar.set("stroke-width", "0.5")
        _hint(bar, f"{_row_name(row)}: {span.state}, {_span_words(span)}")


def _span_words(span: Span) -> str:
    watched = "" if span.watched else " (nobody looked; as before or after)"
    return f"{moment(span.begin)} to {moment(span.end)}, {span.end - span.begin:.1f} s{watched}"


def _call(svg: ET.Element, placed: Placed, scale: Scale, top: float) -> None:
    call = placed.call
    x, width = scale.box(call.begun, call.last)
    colour = _FAILED if call.failed or call.end is None else _CALL if call.mattered else _IDLE
    group = ET.SubElement(svg, "g", {"class": "call"})
    _shape(group, "rect", x=x, y=top + 1, width=max(width, 3), height=10, rx=2, fill=colour)
    if placed.words:
        beside = {"anchor": "end"} if placed.before else {}
        _text(group, x - 5 if placed.before else x + max(width, 3) + 5, top + 10, placed.words, **beside)
    node = call.entries[0].node
    _hint(group, f"{moment(call.begun)}, {who(call)} on {node}: {call.entries[0].service}: {happened(call)}")


def _commit(svg: ET.Element, entry: Entry, call: Story, scale: Scale, y: float, bottom: float) -> None:
    group = ET.SubElement(svg, "g", {"class": entry.kind})
    x, told = scale.x(entry.time), entry.told
    if entry.kind == "commit":
        line = _shape(group, "line", x1=x, y1=y, x2=x, y2=bottom, stroke=_COMMIT)
        line.set("stroke-dasharray", "3 2")
    fill = _COMMIT if entry.kind == "commit" else _PAPER
    _diamond(group, x, y, fill)
    became = "committed on" if entry.kind == "commit" else "refused, no longer at"
    _hint(
        group,
        f"{moment(entry.time)}, {who(call)} on {entry.node}: {became} {told.get('cib_before')}: {told.get('reason')}",
    )


def _legend(svg: ET.Element, drawn: Timeline, y: float) -> None:
    used = {span.state for row in drawn.rows for span in row.spans}
    faint = any(not span.watched for row in drawn.rows for span in row.spans)
    entries = [(state, colour, "1") for state, colour in _COLOURS.items() if state in used]
    entries += [(state, _OTHER, "1") for state in sorted(used - set(_COLOURS))]
    entries += [("pale: nobody looked", _COLOURS["Started"], "0.35")] if faint else []
    legend = ET.SubElement(svg, "g", {"class": "legend"})
    x = _MARGIN
    for words, colour, opacity in entries:
        _shape(legend, "rect", x=x, y=y - 9, width=12, height=10, fill=colour, opacity=opacity)
        _text(legend, x + 17, y, words)
        x += 17 + len(words) * CHARACTER + 18
    for words, fill in (("a commit", _COMMIT), ("refused, the cluster had moved on", _PAPER)):
        _diamond(legend, x + 6, y - 4, fill)
        _text(legend, x + 17, y, words)
        x += 17 + len(words) * CHARACTER + 18


# -- placing and writing ----------------------------------------------------------------------------------------------


def _row_name(row: Row) -> str:
    return f"{row.resource} on {row.node}"


def _diamond(parent: ET.Element, x: float, y: float, fill: str) -> None:
    points = f"{x:g},{y - 5:g} {x + 5:g},{y:g} {x:g},{y + 5:g} {x - 5:g},{y:g}"
    ET.SubElement(parent, "polygon", {"points": points, "fill": fill, "stroke": _COMMIT})


def _shape(parent: ET.Element, tag: str, **attributes: float | str) -> ET.Element:
    return ET.SubElement(parent, tag, {name: _attribute(value) for name, value in attributes.items()})


def _attribute(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _text(parent: ET.Element, x: float, y: float, words: str, **look: str) -> None:
    names = {"anchor": "text-anchor", "size": "font-size", "weight": "font-weight", "fill": "fill"}
    attributes = {"x": f"{x:g}", "y": f"{y:g}", "fill": _INK} | {names[name]: value for name, value in look.items()}
    ET.SubElement(parent, "text", attributes).text = clean(words)


def _hint(parent: ET.Element, words: str) -> None:
    hint = ET.Element("title")
    hint.text = clean(words)
    parent.insert(0, hint)
