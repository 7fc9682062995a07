"""Charts of the app, by Altair: one look for all, with the colours of the plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import altair as alt
import streamlit as st

from sqlscore.reporting.theme import BANDS, COLOURS, GREY, TEXT

if TYPE_CHECKING:
    import pyarrow as pa

GOOD_BAD_NEITHER = (BANDS["low"], BANDS["high"], GREY)
"""Colours of what helps, what hurts, and what does neither for sure."""

_LONG = 180  # pixels of an axis' label before it is cut


@alt.theme.register("sqlscore", enable=True)
def _theme() -> alt.theme.ThemeConfig:
    return alt.theme.ThemeConfig(
        config={
            "range": {"category": list(COLOURS)},
            "axis": {
                "labelLimit": _LONG,
                "labelColor": TEXT,
                "titleColor": TEXT,
                "titleFontWeight": "normal",
                "grid": False,
            },
            "legend": {"labelLimit": _LONG, "labelColor": TEXT, "titleColor": TEXT},
            "view": {"stroke": None},
            "bar": {"fill": COLOURS[0]},
            "line": {"color": COLOURS[0]},
            "point": {"color": COLOURS[0]},
        }
    )


def show(chart: Any, key: str) -> None:
    """Draw a chart as wide as its place."""
    st.altair_chart(chart, width="stretch", theme=None, key=key)


def bars(table: pa.Table, value: str, count: str, title: str, form: str = ",d", tooltip: tuple[str, ...] = ()) -> Any:
    """Horizontal bars with their numbers, in the order of the table's rows.

    Args:
        table: one row a bar.
        value: the column of names.
        count: the column of lengths, 0 or more.
        title: of the axis.
        form: of the numbers, in the notation of d3: ",d" or ".0%".
        tooltip: further columns of numbers.
    """
    names = _first(table, value)
    longest = max((each for each in table.column(count).to_pylist() if each is not None), default=0) or 1
    chart = alt.Chart(_with_text(table, value)).encode(
        # The number stands right of its bar, so the longest bar leaves room for it.
        x=alt.X(
            f"{count}:Q",
            title=title,
            axis=alt.Axis(format=".0%" if form.endswith("%") and longest > 0.1 else form, tickCount=5),
            scale=alt.Scale(domain=[0, 1.12 * longest]),
        ),
        y=alt.Y(f"{value}:N", title=None, sort=names),
        tooltip=[alt.Tooltip(f"{value}:N", title="value"), alt.Tooltip(f"{count}:Q", format=form, title=title)]
        + [alt.Tooltip(f"{name}:Q", format=".3f") for name in tooltip],
    )
    return (chart.mark_bar() + _numbers(chart, count, form)).properties(height=alt.Step(24))


def signed(table: pa.Table, value: str, number: str, title: str) -> Any:
    """Horizontal bars to the left or the right of 0, each side in its own colour, in the order of the table's rows."""
    names = _first(table, value)
    chart = alt.Chart(_with_text(table, value)).encode(
        x=alt.X(f"{number}:Q", title=title, axis=alt.Axis(tickCount=5)),
        y=alt.Y(f"{value}:N", title=None, sort=names),
        tooltip=[alt.Tooltip(f"{value}:N", title="value"), alt.Tooltip(f"{number}:Q", format="+.3f", title=title)],
    )
    colour = alt.condition(f"datum[{number!r}] > 0", alt.value(COLOURS[1]), alt.value(COLOURS[0]))
    zero = alt.Chart({"values": [{"at": 0}]}).mark_rule(color=GREY).encode(x="at:Q")
    return (chart.mark_bar().encode(color=colour) + zero).properties(height=alt.Step(24))


def lifts(table: pa.Table, title: str, same: float, kinds: dict[str, str]) -> Any:
    """Points with their intervals around "no difference", in the order of the table's rows.

    Args:
        table: action, kind, lift, low, high.
        title: of the axis.
        same: the lift that says that nothing differs.
        kinds: the colour of each kind.
    """
    names = _first(table, "action")
    colours = kinds | {kind: GREY for kind in _first(table, "kind") if kind not in kinds}
    chart = alt.Chart(_with_text(table, "action")).encode(
        y=alt.Y("action:N", title=None, sort=names),
        color=alt.Color(
            "kind:N",
            title=None,
            scale=alt.Scale(domain=list(colours), range=list(colours.values())),
            legend=alt.Legend(orient="top"),
        ),
        tooltip=["action:N", "kind:N"] + [alt.Tooltip(f"{name}:Q", format=".3f") for name in ("lift", "low", "high")],
    )
    x = alt.X("lift:Q", title=title, scale=alt.Scale(zero=False, padding=12), axis=alt.Axis(tickCount=6))
    rule = alt.Chart({"values": [{"at": same}]}).mark_rule(color=GREY, strokeDash=[4, 4]).encode(x="at:Q")
    spans = chart.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    points = chart.mark_circle(size=90, opacity=1).encode(x=x)
    return (rule + spans + points).properties(height=alt.Step(26))


def bands(table: pa.Table) -> Any:
    """Bars of the risk bands in their own colours and order. table: value, n_users."""
    longest = max(table.column("n_users").to_pylist(), default=0) or 1
    chart = alt.Chart(_with_text(table, "value")).encode(
        x=alt.X(
            "n_users:Q",
            title="customers",
            axis=alt.Axis(format=",d", tickCount=5),
            scale=alt.Scale(domain=[0, 1.12 * longest]),
        ),
        y=alt.Y("value:N", title=None, sort=list(BANDS)),
        tooltip=[alt.Tooltip("value:N", title="risk band"), alt.Tooltip("n_users:Q", format=",d")],
    )
    colour = alt.Color("value:N", scale=alt.Scale(domain=list(BANDS), range=list(BANDS.values())), legend=None)
    return (chart.mark_bar().encode(color=colour) + _numbers(chart, "n_users", ",d")).properties(height=190)


def heat(table: pa.Table, x: str, y: str, value: str, titles: tuple[str, str, str], form: str = ".0%") -> Any:
    """A heat map with the number in each cell that is wide enough for it.

    Args:
        table: one row a cell.
        x: the column of what stands side by side; what `y` has too comes first, in the same order.
        y: the column of what stands one below the other, as it comes in the table.
        value: the column of numbers from 0 to 1.
        titles: of x, y and value.
        form: of the numbers.
    """
    down = _first(table, y)
    places = {name: place for place, name in enumerate(down)}
    across = sorted(_first(table, x), key=lambda name: places.get(name, len(places)))
    most = max((each for each in table.column(value).to_pylist() if each is not None), default=0.0)
    angle = 0 if max(map(len, across), default=0) < 4 else -40
    chart = alt.Chart(_with_text(table, x, y)).encode(
        x=alt.X(f"{x}:N", title=titles[0], sort=across, axis=alt.Axis(labelAngle=angle)),
        y=alt.Y(f"{y}:N", title=titles[1], sort=down),
        tooltip=[
            alt.Tooltip(f"{y}:N", title=titles[1]),
            alt.Tooltip(f"{x}:N", title=titles[0]),
            alt.Tooltip(f"{value}:Q", title=titles[2], format=form),
        ],
    )
    colour = alt.Color(
        f"{value}:Q", title=titles[2], scale=alt.Scale(scheme="blues", domain=[0, most or 1]), legend=None
    )
    ink = alt.condition(f"datum[{value!r}] > {0.55 * most}", alt.value("white"), alt.value(TEXT))
    numbers = chart.mark_text(fontSize=10, opacity=alt.expr("bandwidth('x') < 28 ? 0 : 1")).encode(
        text=alt.Text(f"{value}:Q", format=form), color=ink
    )
    return (chart.mark_rect(stroke="white").encode(color=colour) + numbers).properties(height=alt.Step(24))


def line(
    table: pa.Table,
    x: str,
    y: str,
    titles: tuple[str, str],
    kind: Literal["T", "Q"] = "Q",
    by: str = "",
    forms: tuple[str | None, str | None] = (None, None),
) -> Any:
    """Lines with points.

    Args:
        table: one row a point.
        x: the column of places.
        y: the column of heights.
        titles: of x and y.
        kind: T if x is a time.
        by: the column that tells several lines apart; a single one has no legend.
        forms: of the numbers of x and y; per cent begin at 0.
    """
    several = bool(by) and len(set(table.column(by).to_pylist())) > 1
    colour = {"color": alt.Color(f"{by}:N", title=None, legend=alt.Legend(orient="top"))} if several else {}
    options: list[dict[str, Any]] = [{"format": form} if form else {} for form in forms]
    return (
        alt.Chart(_with_text(table, by) if by else table)
        .mark_line(point=True)
        .encode(
            x=alt.X(f"{x}:{kind}", title=titles[0], axis=alt.Axis(tickCount=6, **options[0])),
            y=alt.Y(
                f"{y}:Q",
                title=titles[1],
                scale=alt.Scale(zero="%" in (forms[1] or "")),
                axis=alt.Axis(tickCount=5, **options[1]),
            ),
            tooltip=[f"{x}:{kind}", f"{y}:Q"],
            **colour,
        )
        .properties(height=260)
    )


def calibration(table: pa.Table) -> Any:
    """How often it came true against how likely it was said to be, with 95 % intervals.

    table: mean_probability, rate, rate_low, rate_high, n.
    """
    same = alt.Chart({"values": [{"at": 0}, {"at": 1}]}).mark_line(strokeDash=[4, 4], color=GREY)
    points = alt.Chart(table)
    x = alt.X("mean_probability:Q", title="said", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%"))
    return (
        same.encode(x=alt.X("at:Q", title="said"), y=alt.Y("at:Q", title="came true"))
        + points.mark_rule().encode(x=x, y="rate_low:Q", y2="rate_high:Q")
        + points.mark_circle(size=60, color=COLOURS[0], opacity=1).encode(
            x=x,
            y=alt.Y("rate:Q", title="came true", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
            tooltip=[alt.Tooltip(name, format=".3f") for name in ("mean_probability:Q", "rate:Q")] + ["n:Q"],
        )
    ).properties(height=300)


def _numbers(chart: Any, count: str, form: str) -> Any:
    """The number of each bar, right of it."""
    return chart.mark_text(align="left", dx=4, color=TEXT).encode(text=alt.Text(f"{count}:Q", format=form))


def _first(table: pa.Table, column: str) -> list[str]:
    """The values of a column as text, each where it comes first."""
    return list(dict.fromkeys(str(value) for value in table.column(column).to_pylist()))


def _with_text(table: pa.Table, *columns: str) -> pa.Table:
    """The table with these columns as text, NULL as "(none)"."""
    import pyarrow as pa

    for name in columns:
        place = table.column_names.index(name)
        texts = ["(none)" if value is None else str(value) for value in table.column(name).to_pylist()]
        table = table.set_column(place, name, pa.array(texts, pa.string()))
    return table
