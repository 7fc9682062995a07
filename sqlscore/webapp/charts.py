"""Charts of the app, by Altair: one look for all, with the colours of the plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import altair as alt
import streamlit as st

from sqlscore.reporting.theme import BANDS, COLOURS, GREY

if TYPE_CHECKING:
    import pyarrow as pa

_LONG = 180  # pixels of an axis' label before it is cut


@alt.theme.register("sqlscore", enable=True)
def _theme() -> alt.theme.ThemeConfig:
    return alt.theme.ThemeConfig(
        config={
            "range": {"category": list(COLOURS)},
            "axis": {"labelLimit": _LONG, "labelColor": "#333333", "titleColor": "#333333", "grid": False},
            "legend": {"labelLimit": _LONG, "labelColor": "#333333", "titleColor": "#333333"},
            "view": {"stroke": None},
            "bar": {"fill": COLOURS[0]},
        }
    )


def show(chart: Any, key: str) -> None:
    """Draw a chart as wide as its place."""
    st.altair_chart(chart, width="stretch", theme=None, key=key)


def bars(table: pa.Table, value: str, count: str, title: str, tooltip: tuple[str, ...] = ()) -> Any:
    """Horizontal bars, in the order of the table's rows. value: the column of names. count: that of lengths."""
    names = [str(name) for name in table.column(value).to_pylist()]
    return (
        alt.Chart(_with_text(table, value))
        .mark_bar()
        .encode(
            x=alt.X(f"{count}:Q", title=title),
            y=alt.Y(f"{value}:N", title=None, sort=names),
            tooltip=[alt.Tooltip(f"{value}:N", title="value"), alt.Tooltip(f"{count}:Q", format=",", title=title)]
            + [alt.Tooltip(f"{name}:Q", format=".3f") for name in tooltip],
        )
        .properties(height=60 + 24 * len(names))
    )


def bands(table: pa.Table) -> Any:
    """Bars of the risk bands in their own colours and order. table: value, n_users."""
    return (
        alt.Chart(_with_text(table, "value"))
        .mark_bar()
        .encode(
            x=alt.X("n_users:Q", title="customers"),
            y=alt.Y("value:N", title=None, sort=list(BANDS)),
            color=alt.Color("value:N", scale=alt.Scale(domain=list(BANDS), range=list(BANDS.values())), legend=None),
            tooltip=[alt.Tooltip("value:N", title="risk band"), alt.Tooltip("n_users:Q", format=",")],
        )
        .properties(height=180)
    )


def heat(table: pa.Table, x: str, y: str, value: str, titles: tuple[str, str, str], form: str = ".0%") -> Any:
    """A heat map with the number in each cell; rows and columns as they come in the table. titles: of x, y, value."""
    return (
        alt.Chart(_with_text(table, x, y))
        .mark_rect()
        .encode(
            x=alt.X(f"{x}:N", title=titles[0], sort=_first(table, x), axis=alt.Axis(labelAngle=-40)),
            y=alt.Y(f"{y}:N", title=titles[1], sort=_first(table, y)),
            color=alt.Color(f"{value}:Q", title=titles[2], scale=alt.Scale(scheme="blues"), legend=None),
            tooltip=[
                alt.Tooltip(f"{y}:N", title=titles[1]),
                alt.Tooltip(f"{x}:N", title=titles[0]),
                alt.Tooltip(f"{value}:Q", title=titles[2], format=form),
            ],
        )
        .properties(height=110 + 24 * len(_first(table, y)))
    )


def line(table: pa.Table, x: str, y: str, titles: tuple[str, str], kind: Literal["T", "Q"] = "Q", by: str = "") -> Any:
    """Lines with points; `by` names the column that tells them apart."""
    colour = {"color": alt.Color(f"{by}:N", title=None)} if by else {}
    return (
        alt.Chart(_with_text(table, by) if by else table)
        .mark_line(point=True)
        .encode(
            x=alt.X(f"{x}:{kind}", title=titles[0]),
            y=alt.Y(f"{y}:Q", title=titles[1], scale=alt.Scale(zero=False)),
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
