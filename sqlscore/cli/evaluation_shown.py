"""How good a model is, as the terminal shows it: each head beside its baselines, by horizon and by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from sqlscore.cli import render
from sqlscore.times import in_words

if TYPE_CHECKING:
    from sqlscore.database.registry import ModelInfo

_ALL = 10_000  # ten-thousandths, in which a sample's share is noted


def show_model(info: ModelInfo) -> None:
    """A model that was just trained."""
    render.say(
        f"{info.label} ({info.kind}): {', '.join(info.heads)}; "
        + (f"churn horizon {in_words(info.horizon_seconds)}" if info.horizon_seconds else "no churn head")
        + ("; champion" if info.is_champion else "")
    )
    sample = info.notes.get("sample") or {}
    if sample.get("share_of_users", _ALL) < _ALL:
        render.warn(
            f"trained on a sample of the users: {sample['events']:,} events of {sample['users']:,} users, "
            f"{sample['share_of_users'] / 100:.3g} % of all (--max-events raises the limit)"
        )
    for key, note in info.notes.items():
        if key.startswith("no_"):
            render.warn(str(note))


_HEADINGS = {
    "mean_log10_error": "log10 error",
    "pinball_p50": "p50 loss",
    **{f"coverage_{name}": f"< {name}" for name in ("p10", "p50", "p90")},
}
_TIME = tuple(_HEADINGS)  # what a terminal of 80 columns holds; the other losses are in the metrics


def show_evaluation(metrics: Mapping[str, Any], beside: Mapping[str, Any] | None = None) -> None:
    """Each head beside its baselines, then the verdict in words. beside: another model's figures on the same events."""
    _show_head(metrics, "next_action", ("accuracy", "top3", "log_loss", "macro_f1", "ece"), ("n",), beside)
    _show_head(metrics, "time_to_next", _TIME, ("n",), beside)
    _show_head(metrics, "churn", ("auc", "pr_auc", "brier", "log_loss", "ece"), ("n", "base_rate", "censored"), beside)
    _show_horizons((metrics.get("churn") or {}).get("horizons", ()))
    _show_groups(metrics.get("groups", ()))
    for sentence in metrics.get("verdict", ()):
        render.say(sentence)


_OF_HORIZONS = ("n", "base_rate", "auc", "brier", "log_loss", "ece")


def _show_horizons(horizons: Sequence[Mapping[str, Any]]) -> None:
    """The churn figures within each horizon; nothing if there is one alone."""
    if not horizons:
        return
    headings = ("horizon", *(name.replace("_", " ") for name in _OF_HORIZONS), "recency auc")
    table = render.narrow("churn by horizon", headings, 1)
    for row in horizons:
        cells = [*(row.get(name) for name in _OF_HORIZONS), row["baselines"]["recency"]["auc"]]
        table.add_row(in_words(row["horizon_seconds"]), *map(render.number, cells))
    render.show_fitting(table)


_OF_GROUPS = ("accuracy", "log loss", "ece", "churn n", "rate", "auc", "log loss", "ece")


def _show_groups(groups: Sequence[Mapping[str, Any]]) -> None:
    """The figures of each group; nothing if there are none."""
    if not groups:
        return
    from sqlscore.training.evaluation.by_group import name_of

    table = render.narrow("by group", ("group", "users", *_OF_GROUPS), 1)
    for row in groups:
        actions, churn = row["next_action"], row.get("churn") or {}
        cells = [row["n_users"], *(actions.get(name) for name in ("accuracy", "log_loss", "ece"))]
        cells += [churn.get(name) for name in ("n", "base_rate", "auc", "log_loss", "ece")]
        table.add_row(name_of(row), *map(render.number, cells))
    render.show_fitting(table)


def _show_head(
    metrics: Mapping[str, Any],
    head: str,
    columns: Sequence[str],
    counts: Sequence[str],
    beside: Mapping[str, Any] | None = None,
) -> None:
    judged = metrics.get(head)
    if not judged:
        return
    facts = ", ".join(f"{count.replace('_', ' ')} {render.number(judged.get(count))}" for count in counts)
    headings = [_HEADINGS.get(column, column).replace("_", " ") for column in columns]
    table = Table(title=f"{head.replace('_', ' ')} ({facts})")
    table.add_column("")
    for heading in headings:
        table.add_column(heading, justify="right")
    others = [(beside["model"], beside[head])] if beside and beside.get(head) else []
    own = (str(metrics.get("model", "model")), judged)
    for name, row in (own, *others, *judged.get("baselines", {}).items()):
        cells = (render.number(row.get(column)) for column in columns)
        table.add_row(name, *cells, style="bold" if row is judged else "")
    render.show_fitting(table, [heading for heading in reversed(headings[1:]) if heading != "log loss"])
