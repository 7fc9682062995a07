"""What the verbs return, for people (stdout, with rich) and for scripts (JSON on stdout)."""

from __future__ import annotations

import json
import math
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sqlscore.times import in_words

if TYPE_CHECKING:
    from sqlscore.database.registry import ModelInfo
    from sqlscore.verbs.refresh import RefreshReport
    from sqlscore.verbs.status import Status
from typing import TYPE_CHECKING

from rich import box

if TYPE_CHECKING:
    pass

_WIDTH_OF_PIPES = 110


def as_json(value: Any) -> None:
    """One JSON document: dataclasses as objects, times as ISO text, NaN as null."""
    sys.stdout.write(json.dumps(_plain(value), indent=2, ensure_ascii=False) + "\n")


def done(value: Any, sentence: str, json: bool) -> None:
    """The outcome of a short command: `value` as JSON, or a sentence."""
    if json:
        as_json(value)
    else:
        say(sentence)


def say(sentence: str, style: str = "") -> None:
    """A line on stdout that is never wrapped or read as markup."""
    console().print(Text(sentence, style), soft_wrap=True)


def next_step(*words: str) -> None:
    """What to run next, by its words: a name with a space in it is quoted."""
    next_command(shlex.join(words))


def next_command(command: str) -> None:
    """What to run next, as one writes it."""
    console().print(Text.assemble(("next: ", "dim"), (command, "bold")), soft_wrap=True)


def console() -> Console:
    """Stdout as it is now: as wide as the terminal, or wide enough for any table where it is none."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=_WIDTH_OF_PIPES)


def mapping_report(report: Mapping[str, Any]) -> None:
    """What mapping an events table showed."""
    mapping = report["mapping"]
    say(
        f"{report['n_events']:,} events of {report['n_users']:,} users, {report['n_actions']:,} actions, "
        f"{_day(report['first_time'])} to {_day(report['high_water'])}"
    )
    features = [f"{f['name']} ({f['kind']})" for f in mapping["features"] if f["name"] != mapping["subtype"]]
    rows = [
        ("from", mapping["relation"]),
        ("columns", ", ".join(mapping[key] for key in ("user_id", "event_time", "event_type"))),
        ("features", ", ".join(features) or "none"),
        ("users with one event", f"{report['one_event_share']:.1%}"),
        ("rows left out", f"{report['n_rows'] - report['n_events']:,} of {report['n_rows']:,}"),
        ("duplicates, ties", f"{report['n_duplicates']:,}, {report['n_ties']:,}"),
    ]
    if "levels" in report:
        found = report["levels"]
        rows.append(
            (
                "levels",
                f"predicts {mapping['event_type']}, reads {mapping['subtype']} too: {found['n_subtypes']:,} values, "
                f"{found['n_shared_subtypes']:,} of them under several actions, {found['n_null_subtype']:,} missing",
            )
        )
    if mapping["time_unit"]:
        rows.append(("times are read as", f"epoch numbers in {mapping['time_unit']}"))
    _facts(rows)
    for warning in report["warnings"]:
        _warn(warning)


def model(info: ModelInfo) -> None:
    """A model that was just trained."""
    say(
        f"{info.label} ({info.architecture}): {', '.join(info.heads)}; "
        + (f"churn horizon {in_words(info.horizon_seconds)}" if info.horizon_seconds else "no churn head")
        + ("; champion" if info.is_champion else "")
    )
    for key, note in info.notes.items():
        if key.startswith("no_"):
            _warn(str(note))


def models(infos: Sequence[ModelInfo]) -> None:
    """The registry."""
    if not infos:
        say("no models yet: run sqlscore train")
        return
    table = Table("model", "", "architecture", "heads", "horizon", "trained to", "accuracy", "churn AUC", "created")
    for info in infos:
        table.add_row(
            info.label,
            "champion" if info.is_champion else "",
            info.architecture,
            ", ".join(info.heads),
            in_words(info.horizon_seconds) if info.horizon_seconds else "",
            _day(info.trained_to),
            _number(_dig(info.metrics, "next_action", "accuracy")),
            _number(_dig(info.metrics, "churn", "auc")),
            str(info.created_at)[:16],
        )
    console().print(table)


def evaluation(metrics: Mapping[str, Any]) -> None:
    """Each head beside its baselines, then the verdict in words."""
    _compare(metrics, "next_action", ("accuracy", "top3", "log_loss", "macro_f1", "ece"), ("n",))
    _compare(metrics, "time_to_next", ("mae_seconds", "median_ae_seconds"), ("n",))
    _compare(metrics, "churn", ("auc", "pr_auc", "brier", "log_loss", "ece"), ("n", "base_rate", "censored"))
    for sentence in metrics.get("verdict", ()):
        say(sentence)


def refresh_report(report: RefreshReport) -> None:
    """What a refresh did."""
    rows = ", ".join(f"{count:,} {table.replace('_', ' ')}" for table, count in report.tables.items())
    say(f"{rows} from {report.n_events:,} events, by {report.model} as of {report.as_of}, in {report.seconds:.1f} s")


def status(found: Status) -> None:
    """Facts, then each problem with the command that mends it."""
    _facts(
        [
            ("database", found.database),
            ("device", found.device),
            ("versions", ", ".join(f"{name} {number}" for name, number in found.versions.items())),
            ("models", str(found.n_models)),
        ]
    )
    for mapping in found.mappings:
        say(f"\n{mapping.name}: {mapping.n_events:,} events of {mapping.n_users:,} users in {mapping.relation}")
        champion, age = mapping.champion, mapping.champion_age_days
        scored = (
            f"{mapping.scored_users:,} users by {mapping.scored_by}" if mapping.scored_users is not None else "none"
        )
        _facts(
            [
                ("newest event", str(mapping.high_water)),
                (
                    "champion",
                    f"{champion} ({', '.join(mapping.heads)}), {age:.1f} days old" if age is not None else "none",
                ),
                ("scores", f"{scored}, as of {mapping.scored_as_of}" if mapping.scored_as_of else scored),
            ]
        )
    for problem in found.problems:
        _warn(problem.what)
        next_command(problem.command)
    if not found.problems:
        say("nothing to mend")


def rows_as_table(columns: Iterable[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
    """Rows of a query as a table, numbers to the right."""
    rows = list(rows)
    table = Table(title=title, title_justify="left")
    for place, column in enumerate(columns):
        numeric = all(isinstance(row[place], (int, float, type(None))) for row in rows)
        table.add_column(column, justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(_number(value) if isinstance(value, (int, float)) else _text(value) for value in row))
    console().print(table)


def _compare(metrics: Mapping[str, Any], head: str, columns: Sequence[str], counts: Sequence[str]) -> None:
    found = metrics.get(head)
    if not found:
        return
    facts = ", ".join(f"{count.replace('_', ' ')} {_number(found.get(count))}" for count in counts)
    table = Table(title=f"{head.replace('_', ' ')} ({facts})", title_justify="left")
    table.add_column("")
    for column in columns:
        table.add_column(column.replace("_seconds", "").replace("_", " "), justify="right")
    for name, row in ((str(metrics.get("model", "model")), found), *found.get("baselines", {}).items()):
        cells = [
            in_words(row[column])
            if column.endswith("_seconds") and row.get(column) is not None
            else _number(row.get(column))
            for column in columns
        ]
        table.add_row(name, *cells, style="bold" if row is found else "")
    console().print(table)


def _facts(rows: Iterable[tuple[str, str]]) -> None:
    """Names and values in two columns."""
    rows = list(rows)
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        console().print(Text.assemble((f"  {name:<{width}}  ", "dim"), value), soft_wrap=True)


def _warn(sentence: str) -> None:
    console().print(Text.assemble(("! ", "bold yellow"), sentence), soft_wrap=True)


def _dig(values: Mapping[str, Any], *path: str) -> Any:
    found: Any = values
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _number(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def _day(moment: Any) -> str:
    return str(moment)[:10] if moment is not None else ""


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_text(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(item) for item in value)
    return str(value)


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return _plain(value.to_dict())
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def narrow(title: str, columns: Sequence[str], left: int) -> Table:
    """A table for many columns, the first `left` of which hold text."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for place, name in enumerate(columns):
        table.add_column(name, justify="left" if place < left else "right", no_wrap=True)
    return table


def short(value: float | None) -> str:
    """A number whose first digits are enough: 97,431 -> "97k"."""
    if value is None:
        return ""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.0f}" if value >= 1 else f"{value:.1f}"
