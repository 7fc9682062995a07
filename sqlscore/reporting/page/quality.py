"""How good a model is: the verdict, its figures, whether probabilities come true, from which risk on a contact pays."""

from __future__ import annotations

from typing import Any

import duckdb

from sqlscore.database.registry import ModelInfo
from sqlscore.reporting.page.document import Calibration, Outcome, Part, Points, Section, Table, Words, number

_METRICS = {
    "accuracy": ".3f",
    "top3": ".3f",
    "auc": ".3f",
    "pr_auc": ".3f",
    "log_loss": ".3f",
    "macro_f1": ".3f",
    "brier": ".3f",
    "ece": ".3f",
    "median_ae_seconds": ",.0f",
    "mean_log10_error": ".3f",
}
_HEADS = {"next_action": "next action", "time_to_next": "time to the next action", "churn": "churn"}
_CHARTED = {"next_action": "Probabilities of the next action", "churn": "Churn risks"}
_COST, _VALUE, _SAVED = 1.0, 20.0, 0.2
_LISTED = 10  # thresholds


def verdict(model: ModelInfo) -> Section:
    """In words what the model is good for, as its training judged it on the events after those that it learned from."""
    said = model.metrics.get("verdict")
    if not isinstance(said, list) or not said:
        return Section("Verdict", (Words(f"{model.label} was not judged when it was trained or imported."),))
    return Section("Verdict", (Points(tuple(map(str, said))),))


def figures(con: duckdb.DuckDBPyConnection, model: str) -> Section:
    """The figures of the model beside those of simple rules, a table a head."""
    rows = con.execute(
        """SELECT head, coalesce(baseline, ''), metric, value FROM sqlscore.model_metrics
           WHERE model = ? AND subset IS NULL""",
        [model],
    ).fetchall()
    parts: list[Part] = []
    for head, name in _HEADS.items():
        of_head: dict[str, dict[str, float]] = {}
        for _, baseline, metric, value in (row for row in rows if row[0] == head):
            of_head.setdefault(baseline, {})[metric] = value
        metrics = [metric for metric in _METRICS if any(metric in known for known in of_head.values())]
        if not metrics:
            continue
        n = of_head.get("", {}).get("n")
        heading = f"{name} (n {n:,.0f})" if n else name
        parts.append(
            Table(
                (heading, *(metric.replace("_", " ") for metric in metrics)),
                tuple(
                    (who or model, *(number(of_head[who].get(metric), _METRICS[metric]) for metric in metrics))
                    for who in sorted(of_head)
                ),
            )
        )
    told = "On events after those that the model learned from, beside rules that need no model. n: what was judged."
    return Section("Figures", (Words(told), *parts) if parts else (Words("The model has no figures of a test."),))


def calibration(con: duckdb.DuckDBPyConnection, model: str) -> Section:
    """How often predictions came true, by how likely they were said to be."""
    parts: list[Part] = []
    for head, title in _CHARTED.items():
        rows = con.execute(
            """SELECT mean_probability, rate, rate_low, rate_high, n, is_calibrated FROM sqlscore.reliability_bins
               WHERE model = ? AND head = ? ORDER BY probability_from""",
            [model, head],
        ).fetchall()
        if not rows:
            continue
        outcomes = tuple(Outcome(*row[:5]) for row in rows)
        true = sum(row[5] for row in rows)
        words = f"In {true} of {len(rows)} groups of like predictions, what was said is within what chance explains."
        parts += [Calibration(title, f"{words} Of those said {_pairs(outcomes)}.", outcomes), Words(words)]
    if not parts:
        return Section("Calibration", (Words("No predictions of this model were kept to judge its probabilities by."),))
    return Section("Calibration", tuple(parts))


def _pairs(outcomes: tuple[Outcome, ...]) -> str:
    return ", ".join(f"{each.said:.0%}, {each.came_true:.0%} came true" for each in outcomes)


def thresholds(con: duckdb.DuckDBPyConnection, model: ModelInfo) -> Section:
    """From which churn risk on a contact would have paid."""
    title = "From which risk on to act"
    if "churn" not in model.heads:
        return Section(title, (Words(f"{model.label} predicts no churn."),))
    found = con.execute(
        """FROM sqlscore.tested_thresholds(?, contact_cost := ?, saved_value := ?, save_rate := ?)
           ORDER BY threshold""",
        [model.label, _COST, _VALUE, _SAVED],
    )
    names = [column[0] for column in found.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    if not rows:
        return Section(title, (Words("No churn risks of this model were kept to judge a threshold by."),))
    best = next(row for row in rows if row["is_best"])
    told = (
        f"If a contact costs {_COST:g}, a customer who stays because of it is worth {_VALUE:g}, and {_SAVED:.0%} of "
        f"the contacted churners do, contacting from a risk of {best['threshold']:.0%} on would have brought the most "
        "in the test. The function tested_thresholds and the app take your own figures."
    )
    shown = rows[:: max(1, -(-len(rows) // _LISTED))]
    if best not in shown:
        shown = sorted([*shown, best], key=lambda row: row["threshold"])
    headings = ("from risk", "contacted", "of them churned", "of all churners", "lift", "profit")
    return Section(title, (Words(told), Table(headings, tuple(map(_threshold, shown)))))


def _threshold(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"{row['threshold']:.0%}" + (" (best)" if row["is_best"] else ""),
        f"{row['share_contacted']:.0%}",
        number(row["precision"], ".0%"),
        number(row["recall"], ".0%"),
        number(row["lift"], ".2f"),
        number(row["profit"]),
    )
