"""The commands `train` and `evaluate`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from sqlscore.cli import render
from sqlscore.cli.options import AllowLeak, Database, Device, Json, MappingName, open_database
from sqlscore.cli.progress import Bar, working
from sqlscore.cli.track import Track, tracking_store
from sqlscore.scoring.catalog import UNTRAINED
from sqlscore.times import in_words

if TYPE_CHECKING:
    from sqlscore.database.registry import ModelInfo

Architecture = Annotated[str, typer.Option("--architecture", "-a", help="Which kind of model.")]

Horizon = Annotated[
    str | None,
    typer.Option("--horizon", help="How far ahead churn looks, e.g. '14 days' (default: chosen from the data)."),
]

Horizons = Annotated[
    str | None,
    typer.Option(
        "--horizons", metavar="SPAN,..", help="Several, as '7 days,30 days', for churn_risk(e, horizon := ...)."
    ),
]

Lookback = Annotated[
    str | None,
    typer.Option("--lookback", help="Users seen within this time count for churn (default: chosen from the data)."),
]

ModelName = Annotated[str | None, typer.Option("--name", help="The name of the model (default: that of the mapping).")]
Epochs = Annotated[
    int | None, typer.Option("--max-epochs", min=1, help="Passes over the training part, at most (default: 30).")
]


_JUDGED = ("next_action", "time_to_next", "churn")
_ALL = 10_000  # ten-thousandths, in which a sample's share is noted


def train(
    db: Database,
    architecture: Architecture = "gru",
    horizon: Horizon = None,
    horizons: Horizons = None,
    lookback: Lookback = None,
    name: ModelName = None,
    mapping: MappingName = "events",
    seed: Annotated[int, typer.Option("--seed", help="The same seed and data give the same model.")] = 0,
    promote: Annotated[
        bool, typer.Option("--promote/--no-promote", help="Make it the champion, which functions use by default.")
    ] = True,
    refit: Annotated[
        bool, typer.Option("--refit/--no-refit", help="At the end, continue training on the validation part too.")
    ] = True,
    recency: Annotated[
        float | None,
        typer.Option("--recency", help="How often weights halve from newest to oldest (default: chosen)."),
    ] = None,
    through_now: Annotated[
        bool,
        typer.Option("--through-now/--no-through-now", help="Once it is judged, learn the newest events too."),
    ] = True,
    class_weight: Annotated[
        str, typer.Option("--class-weight", metavar="none|balanced", help="Give more weight to rare actions.")
    ] = "none",
    focal_gamma: Annotated[
        float, typer.Option("--focal-gamma", help="Give more weight to what is hard to predict; 2 is usual.")
    ] = 0.0,
    checkpoint: Annotated[
        str | None,
        typer.Option("--checkpoint", metavar="FILE", help="Save each epoch; after a kill, continue from it."),
    ] = None,
    max_events: Annotated[
        int, typer.Option("--max-events", min=1, help="If there are more events, users are sampled.")
    ] = 1_000_000,
    features: Annotated[
        str | None,
        typer.Option("--features", metavar="auto", help="Try columns that are not mapped; map those that help."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="With --features auto: map them although score tables are dropped.")
    ] = False,
    allow_leak: AllowLeak = None,
    track: Track = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Train a model on the mapped events and register it.

    Example: sqlscore train shop.duckdb --horizon '14 days'
    """
    from sqlscore import list_models
    from sqlscore import train as verb

    with open_database(db, device=device) as con, Bar() as bar:
        before = next((model for model in list_models(con, mapping) if model.is_champion and model.is_untrained), None)
        info = verb(
            con,
            mapping=mapping,
            name=name,
            architecture=architecture,
            horizon=horizon,
            horizons=horizons,
            lookback=lookback,
            seed=seed,
            promote=promote,
            track=tracking_store(track),
            features=features,
            force=force,
            allow_leak=allow_leak or (),
            progress=bar,
            refit=refit,
            recency=recency,
            through_now=through_now,
            class_weight=class_weight,
            focal_gamma=focal_gamma,
            checkpoint=checkpoint,
            max_events=max_events,
        )
    if json:
        render.as_json(info)
        return
    show_model(info)
    _show_columns((info.notes.get("search") or {}).get("columns", ()))
    show_evaluation(info.metrics, _beside(info, before))
    _show_replaced(db, info, before)
    if info.metrics and refit and through_now:
        render.say("The figures are of the model before it learned the newest events, on which it was judged.")
    chosen = () if mapping == "events" else ("--mapping", mapping)
    if info.is_champion:
        render.next_step("sqlscore", "refresh", db, *chosen)
    elif not promote:  # otherwise it is said above what speaks against it, and how to go on
        render.next_step("sqlscore", "promote", db, info.label)


def evaluate(
    db: Database,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME@V", help="Which (default: the champion).")
    ] = None,
    mapping: MappingName = "events",
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Judge a model on the latest events, beside its baselines.

    Example: sqlscore evaluate shop.duckdb --json
    """
    from sqlscore import evaluate as verb
    from sqlscore.cli.finetune import show_figures

    with open_database(db, device=device) as con, working("judging"):
        result = verb(con, model, mapping=mapping)
    if json:
        render.as_json(result)
    elif "label" in result or "uplift" in result:  # a fine-tuned head
        show_figures(result)
    else:
        show_evaluation(result)


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


def _show_columns(trials: Sequence[Mapping[str, Any]]) -> None:
    """What each column gained that was not mapped, and which are mapped now."""
    if not trials:
        return
    table = render.narrow("log-loss that a column takes away, on validation", ("column", "", "gain", "error"), 2)
    for trial in trials:
        measured = (f"{trial[key]:+.4f}" if trial[key] is not None else "" for key in ("gain", "error"))
        table.add_row(trial["name"], "added" if trial["added"] else trial["why"], *measured)
    render.show_fitting(table, prose=("",))
    added = [trial["name"] for trial in trials if trial["added"]]
    render.say(f"mapped besides: {', '.join(added)}" if added else "no column gained: the mapping is as it was")


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


def _beside(info: ModelInfo, before: ModelInfo | None) -> dict[str, Any] | None:
    """The figures of the untrained champion that was there before, of heads that were judged on the same events."""
    if before is None:
        return None
    own, other = (model.notes.get("periods") or {} for model in (info, before))
    same = all(own.get(name) == other.get(name) for name in ("t2", "first", "high_water", "by_users"))
    same = same and info.notes.get("sample") == before.notes.get("sample")
    heads = ("next_action", "time_to_next", *(("churn",) if own.get("churn") == other.get("churn") else ()))
    return {"model": f"{before.label}, {UNTRAINED}"} | {head: before.metrics.get(head) for head in heads if same}


def _show_replaced(db: str, info: ModelInfo, before: ModelInfo | None) -> None:
    """That an untrained champion gave way, and where its figures are not those of the same events."""
    if before is None:
        return
    if info.is_champion:
        render.say(f"{info.label} replaces {before.label} ({before.kind}) as champion.")
    beside = _beside(info, before) or {}
    if any(before.metrics.get(head) and info.metrics.get(head) and not beside.get(head) for head in _JUDGED):
        command = shlex.join(["sqlscore", "compare", db, "--models", f"{before.label},{info.label}"])
        render.say(f"{before.label} was judged on other events or by another horizon; on the same ones: {command}")


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
