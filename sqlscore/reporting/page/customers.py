"""Who the customers are: at a glance, by segment, and what those who leave or stay did before."""

from __future__ import annotations

import duckdb

from sqlscore.quoting import qualified
from sqlscore.reporting.page.document import Bar, Bars, Facts, Part, Section, Table, Words, moment, number
from sqlscore.reporting.theme import BANDS, COLOURS

_LISTED = 15  # segments, actions


def glance(con: duckdb.DuckDBPyConnection, schema: str) -> Section:
    """How many customers, how many of them active, how many are expected to leave."""
    row = con.execute(
        f"""SELECT count(*), count(*) FILTER (is_active), avg(churn_risk) FILTER (is_active),
                   sum(churn_risk::DOUBLE) FILTER (is_active), max(as_of)
            FROM {qualified(schema, "scored_segments")}"""
    ).fetchall()[0]
    n, active, risk, churners, as_of = row
    facts = (
        ("scored as of", f"{moment(as_of)} UTC"),
        ("scored", f"{n:,}"),
        *(
            (
                ("active", f"{active:,}"),
                ("mean churn risk of active ones", number(risk, ".1%")),
                ("of them expected to churn", number(churners)),
            )
            if risk is not None
            else ()
        ),
    )
    return Section("Customers", (Facts(facts),))


def segments(con: duckdb.DuckDBPyConnection, schema: str, churn: bool) -> Section:
    """The largest segments, and how many customers each risk band has. churn: whether the model predicts it."""
    relation = qualified(schema, "segment_summary")
    parts: list[Part] = []
    if churn:
        bands = con.execute(f"SELECT risk_band, sum(n_users) FROM {relation} GROUP BY risk_band").fetchall()
        parts += [_chart("Customers by risk band", [(name, int(n)) for name, n in bands], BANDS)]
    actions = con.execute(
        f"SELECT next_action, sum(n_users) FROM {relation} GROUP BY next_action ORDER BY sum(n_users) DESC, next_action"
    ).fetchall()
    some = [(_name(name), int(n)) for name, n in actions[:_LISTED]]
    parts += [_chart("Customers by predicted next action", some, {}), *_rest(len(actions), "predicted actions")]
    rows = con.execute(
        f"""SELECT next_action, risk_band, n_users, share_of_users, mean_churn_risk, expected_churners,
                   median_days_silent
            FROM {relation} ORDER BY n_users DESC, risk_band, next_action"""
    ).fetchall()
    headings = ("next action", "risk", "customers", "share", "mean churn risk", "expected to churn", "days silent")
    table = tuple(
        (
            _name(action), band, f"{n:,}", f"{share:.1%}", number(risk, ".1%"),
            "–" if risk is None else number(churners), number(silent, ",.1f"),
        )
        for action, band, n, share, risk, churners, silent in rows[:_LISTED]
    )  # fmt: skip
    return Section("Segments", (*parts, Table(headings, table), *_rest(len(rows), "segments")))


def drivers(con: duckdb.DuckDBPyConnection, schema: str) -> Section:
    """What precedes churn and what precedes retention."""
    title = "What precedes churn and retention"
    try:
        rows = con.execute(
            f"""SELECT action, precedes, retention_lift, lift_low, lift_high, churn_rate, churn_rate_without, n_users
                FROM {qualified(schema, "action_stats")} WHERE precedes IN ('churn', 'retention')
                ORDER BY precedes, q_value, action"""
        ).fetchall()
    except duckdb.Error as error:
        reason = str(error).split("\n", 1)[0]
        return Section(title, (Words(f"The events cannot be read now: {reason}"),))
    told = (
        "Customers who did it within 90 days against customers of like activity who did not; churn is 30 days without "
        "an event. An association, not a cause."
    )
    if not rows:
        return Section(title, (Words(told), Words("No action precedes either beyond chance in these events.")))
    parts: list[Part] = [Words(told)]
    headings = ("action", "retention, times", "95 % interval", "churn with it", "without", "customers")
    for kind in ("churn", "retention"):
        found = [row for row in rows if row[1] == kind]
        if not found:
            continue
        table = tuple(
            (
                _name(action), number(lift, ".2f"), f"{number(low, '.2f')} to {number(high, '.2f')}",
                number(rate, ".0%"), number(without, ".0%"), f"{n:,}",
            )
            for action, _, lift, low, high, rate, without, n in found[:_LISTED]
        )  # fmt: skip
        parts += [Words(f"Before {kind}:"), Table(headings, table), *_rest(len(found), "actions")]
    return Section(title, tuple(parts))


def _chart(title: str, counts: list[tuple[str, int]], colours: dict[str, str]) -> Bars:
    """A bar for each count, as long as its share of the largest. colours: by label, in their order; {}: one for all."""
    if colours:
        order = list(colours)
        counts = sorted(counts, key=lambda pair: order.index(pair[0]))
    most, total = max((n for _, n in counts), default=1), sum(n for _, n in counts)
    bars = tuple(Bar(name, n / most, f"{n:,}", colours.get(name, COLOURS[0])) for name, n in counts)
    largest = max(counts, key=lambda pair: pair[1], default=("none", 0))
    about = f"{len(counts)} bars; the longest is {largest[0]} with {largest[1]:,} of {total:,}."
    return Bars(title, about, bars)


def _rest(n: int, what: str) -> tuple[Words, ...]:
    return (Words(f"The first {_LISTED} of {n:,} {what}."),) if n > _LISTED else ()


def _name(action: str | None) -> str:
    return "(none)" if action is None else action
