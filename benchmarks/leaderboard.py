"""Every architecture, gbm and the baselines on real event logs: the tables of docs/leaderboard.md.

    python benchmarks/leaderboard.py [--data DIR] [--sets a,b] [--architectures a,b] [--seeds 1] [--rows FILE] [--write]

Each set is mapped, trained and judged by `sqlscore.compare` with its defaults. --write puts the tables between the
markers of docs/leaderboard.md; without it they are printed alone. --rows keeps the rows of every finished set in a JSON
file, so that an interrupted run goes on with the next set. The data are not part of this repository: DIR is the
folder of */events.parquet that the tests read too (SQLSCORE_DATA).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlscore
from sqlscore.quoting import literal

PAGE = Path(__file__).parents[1] / "docs" / "leaderboard.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"


@dataclass(frozen=True)
class Log:
    """An event log: its file, the rows that count, the features that are mapped, and options that bound the time."""

    title: str
    file: str
    where: str = "true"
    features: tuple[str, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()


LOGS = {
    "mobile_onboarding": Log(
        "Onboarding of a mobile app", "mobile_onboarding/events.parquet", "event_type NOT IN ('lost', 'passed')"
    ),
    "stackexchange_quantum": Log("A question-and-answer site", "stackexchange_quantum/events.parquet"),
    "rees46_cosmetics": Log(
        "A cosmetics shop", "rees46_cosmetics/events.parquet", features=("price", "brand", "category_code")
    ),
    "online_retail_invoices": Log(
        "A wholesaler, invoices", "online_retail/invoices.parquet", features=("n_lines", "value", "country")
    ),
    "online_retail_lines": Log(
        "A wholesaler, invoice lines, a sample of its users",
        "online_retail/events.parquet",
        features=("quantity", "unit_price", "country"),
        options=(("max_events", 60_000),),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SQLSCORE_DATA", "../shared/data")))
    parser.add_argument("--sets", default=",".join(LOGS))
    parser.add_argument("--architectures", help="default: all, and gbm")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--rows", type=Path, help="a JSON file; the sets in it are not judged again")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/leaderboard.md")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")  # why a set has no churn is seen in its table
    names = chosen.architectures.split(",") if chosen.architectures else None
    kept = json.loads(chosen.rows.read_text()) if chosen.rows and chosen.rows.exists() else {}
    found = {}
    for name in chosen.sets.split(","):
        found[name] = kept.get(name) or judged(LOGS[name], chosen.data, names, chosen.seeds)
        if chosen.rows:
            chosen.rows.write_text(json.dumps(kept | found, default=str))
        print("\n".join(table(LOGS[name], found[name])), flush=True)
    text = "\n".join([*summary(found), *(line for name in found for line in table(LOGS[name], found[name]))])
    print("\n".join(summary(found)))
    if chosen.write:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(
            re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n\n{text}\n{END}", page, flags=re.DOTALL), encoding="utf-8"
        )


def judged(log: Log, data: Path, architectures: Sequence[str] | None, seeds: int) -> tuple[dict[str, Any], ...]:
    """The rows of a comparison with the defaults."""
    with sqlscore.connect() as con:
        source = literal(str(data / log.file))
        con.execute(f"CREATE TABLE events AS FROM read_parquet({source}) WHERE {log.where}")
        sqlscore.map_events(con, "events", event_time="ts", features=log.features)
        result = sqlscore.compare(con, architectures=architectures, seeds=seeds, register=False, **dict(log.options))
        return result.rows


def table(log: Log, rows: Sequence[dict[str, Any]]) -> list[str]:
    """One set as Markdown."""
    first = rows[0]
    churn = first["n_churn"] > 0
    lines = [
        f"### {log.title} (`{log.file}`)",
        "",
        f"{first['n_test']:,} test events of {first['n_test_users']:,} users"
        + (f"; churn at {first['n_churn']:,} examples." if churn else "; no churn: too few users return.")
        + "".join(f" `{name}={value}`." for name, value in log.options),
        "",
        "| rank | contender | log-loss (95 %) | accuracy (95 %) | top 3 | macro F1 | ECE |"
        + (" churn AUC (95 %) | churn ECE |" if churn else "")
        + " training s | parameters | events/s |",
        "|---|---|---|---|---|---|---|" + ("---|---|" if churn else "") + "---|---|---|",
    ]
    for row in rows:
        cells = [
            "" if row["rank"] is None else f"{row['rank']}{' =' if row['tie_with_best'] else ''}",
            f"`{row['contender']}`" if row["kind"] != "baseline" else row["contender"],
            with_interval(row, "log_loss"),
            with_interval(row, "accuracy"),
            number(row["top3"]),
            number(row["macro_f1"]),
            number(row["ece"]),
            *([with_interval(row, "churn_auc"), number(row["churn_ece"])] if churn else []),
            *(
                "" if row[name] is None else f"{row[name]:,.0f}"
                for name in ("training_seconds", "parameters", "scoring_events_per_second")
            ),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def summary(found: dict[str, tuple[dict[str, Any], ...]]) -> list[str]:
    """Across sets: how often each contender is best or ties with the best, and its mean rank, by each figure."""
    firsts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    sets: dict[str, int] = defaultdict(int)
    ranks: dict[str, list[int]] = defaultdict(list)
    for rows in found.values():
        for row in rows:
            if row["rank"] is not None:
                ranks[row["contender"]].append(row["rank"])
        for figure in ("log_loss", "accuracy", "churn_auc"):
            sets[figure] += any(row[figure] is not None for row in rows)
            for row in rows:
                firsts[row["contender"]][figure] += bool(row[f"{figure}_tie"])
    lines = [
        "### Across sets",
        "",
        "Sets on which a contender is best or ties with the best, and its mean rank by log-loss.",
        "",
        f"| contender | log-loss, of {sets['log_loss']} | accuracy, of {sets['accuracy']} "
        f"| churn AUC, of {sets['churn_auc']} | mean rank |",
        "|---|---|---|---|---|",
    ]
    for name in sorted(ranks, key=lambda name: sum(ranks[name]) / len(ranks[name])):
        cells = [str(firsts[name][figure]) for figure in ("log_loss", "accuracy", "churn_auc")]
        lines.append(f"| {name} | {' | '.join(cells)} | {sum(ranks[name]) / len(ranks[name]):.1f} |")
    return [*lines, ""]


def with_interval(row: dict[str, Any], name: str) -> str:
    if row[name] is None:
        return ""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return f"{row[name]:.3f} ({low:.3f}-{high:.3f})"


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
