"""Charts as SVG that can stand in a page: no script, nothing to load, a title and a description for screen readers."""

from __future__ import annotations

import re
from xml.etree import ElementTree as Xml

from sqlscore.reporting.page.document import Bars, Calibration
from sqlscore.reporting.plots.style import shortened
from sqlscore.reporting.theme import COLOURS, GREY, MUTED, TEXT

_WIDTH, _BAR, _SIDE = 480, 42, 320
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")


def drawn(chart: Bars | Calibration) -> str:
    """The SVG of a chart."""
    return _bars(chart) if isinstance(chart, Bars) else _calibration(chart)


def _bars(chart: Bars) -> str:
    svg = _canvas(chart.title, chart.about, _WIDTH, _BAR * len(chart.bars))
    for place, bar in enumerate(chart.bars):
        top = _BAR * place
        row = Xml.SubElement(svg, "g")
        Xml.SubElement(row, "title").text = _sound(f"{bar.label}: {bar.value}")
        _text(row, 0, top + 14, shortened(bar.label, 45))
        _text(row, _WIDTH, top + 14, bar.value, anchor="end", fill=MUTED)
        length = max(min(bar.length, 1.0), 0.0) * _WIDTH
        _shape(row, "rect", x=0, y=top + 19, width=round(max(length, 1), 1), height=12, fill=bar.colour)
    return Xml.tostring(svg, encoding="unicode")


def _calibration(chart: Calibration) -> str:
    left, foot = 44, 40
    svg = _canvas(chart.title, chart.about, _SIDE + left + 20, _SIDE + foot + 10)

    def x(value: float) -> float:
        return round(left + _SIDE * value, 1)

    def y(value: float) -> float:
        return round(10 + _SIDE * (1 - value), 1)

    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        _shape(svg, "line", x1=x(0), x2=x(1), y1=y(tick), y2=y(tick), stroke="#E5E5E5")
        _text(svg, left - 6, y(tick) + 4, f"{tick:.0%}", anchor="end", fill=MUTED)
        _text(svg, x(tick), y(0) + 18, f"{tick:.0%}", anchor="middle", fill=MUTED)
    _text(svg, x(0.5), y(0) + 36, "said", anchor="middle")
    _text(svg, x(0) + 6, y(1) + 14, "came true")
    _shape(svg, "line", x1=x(0), y1=y(0), x2=x(1), y2=y(1), stroke=GREY, **{"stroke-dasharray": "4 4"})
    for each in chart.outcomes:
        point = Xml.SubElement(svg, "g")
        Xml.SubElement(point, "title").text = f"said {each.said:.1%}, came true {each.came_true:.1%}, n {each.n:,}"
        _shape(point, "line", x1=x(each.said), x2=x(each.said), y1=y(each.low), y2=y(each.high), stroke=COLOURS[0])
        _shape(point, "circle", cx=x(each.said), cy=y(each.came_true), r=4, fill=COLOURS[0])
    return Xml.tostring(svg, encoding="unicode")


def _canvas(title: str, about: str, width: float, height: float) -> Xml.Element:
    svg = Xml.Element("svg", {"viewBox": f"0 0 {width} {height}", "role": "img", "width": str(width)})
    Xml.SubElement(svg, "title").text = _sound(title)
    Xml.SubElement(svg, "desc").text = _sound(about)
    return svg


def _text(parent: Xml.Element, x: float, y: float, text: str, anchor: str = "start", fill: str = TEXT) -> None:
    """Text that keeps its own direction, and leaves that of its neighbours alone."""
    options = {"x": str(x), "y": str(y), "text-anchor": anchor, "fill": fill, "style": "unicode-bidi:isolate"}
    Xml.SubElement(parent, "text", options).text = _sound(text)


def _shape(parent: Xml.Element, kind: str, **options: object) -> None:
    Xml.SubElement(parent, kind, {name: str(value) for name, value in options.items()})


def _sound(text: str) -> str:
    return _NOT_IN_XML.sub("�", text)
