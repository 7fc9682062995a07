"""What the commands show of a mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlscore.cli import render

_LIKELY = 3  # columns that may be amounts, at most
_SHOWN = 20  # columns that are not mapped, at most


def show_mapping(report: Mapping[str, Any]) -> None:
    """What the mapped events are, what became of an older mapping, and what is odd about them."""
    from sqlscore.mapping.remapping import in_words

    mapping = report["mapping"]
    actions = f"{report['n_actions']:,} action{'' if report['n_actions'] == 1 else 's'}"
    render.say(
        f"{report['n_events']:,} events of {report['n_users']:,} users, {actions}, "
        f"{render.day(report['first_time'])} to {render.day(report['high_water'])}"
    )
    databases = [("reads", f"{d['name']} ({d['kind']}: {d['target']})") for d in mapping["attached"] if d["name"]]
    features = [f"{f['name']} ({f['kind']})" for f in mapping["features"] if f["name"] != mapping["subtype"]]
    rows = [
        ("from", report["made_of"]),
        *databases,
        ("columns", ", ".join(mapping[key] for key in ("user_id", "event_time", "event_type"))),
        ("features", ", ".join(features) or "none"),
        *([("amount", mapping["amount"])] if mapping["amount"] is not None else []),
        ("users with one event", f"{report['one_event_share']:.1%}"),
        ("rows left out", f"{report['n_rows'] - report['n_events']:,} of {report['n_rows']:,}"),
        ("duplicates, ties", f"{report['n_duplicates']:,}, {report['n_ties']:,}{_tied(report)}"),
    ]
    if mapping["event_id"]:
        rows.append(("repeated ids", f"{report['n_repeated']:,} rows are left out"))
    if mapping["exclude_types"]:
        rows.append(("excluded actions", f"{', '.join(mapping['exclude_types'])}: {report['n_excluded']:,} rows"))
    if "levels" in report:
        levels = report["levels"]
        rows.append(
            (
                "levels",
                f"predicts {mapping['event_type']}, reads {mapping['subtype']} too: {levels['n_subtypes']:,} values, "
                f"{levels['n_shared_subtypes']:,} of them under several actions, {levels['n_null_subtype']:,} missing",
            )
        )
    rows += [(f"source {source['name']}", reach_of(source)) for source in report["sources"]]
    if "groups" in report:
        parts = report["groups"]
        rows.append(
            (
                "groups",
                f"{parts['n_groups']:,} of {mapping['group']}, {parts['n_users_in_several']:,} users in several, "
                f"{parts['n_without']:,} events in none",
            )
        )
    if mapping["time_unit"]:
        rows.append(("times are read as", f"epoch numbers in {mapping['time_unit']}"))
    render.facts(rows)
    if report["unchanged"]:
        render.say("mapped like this already: nothing was changed")
    for what, rows in (("dropped", report["dropped"]), ("kept", report["kept"])):
        if rows:
            render.say(f"{what}: {in_words(rows)}")
    _show_candidates(report["candidates"])
    _show_amounts(report["likely_amounts"])
    for warning in report["warnings"]:
        render.warn(warning)


def reach_of(source: Mapping[str, Any]) -> str:
    """How far a source of several reaches."""
    waiting = f", {source['n_waiting']:,} of them wait" if source["n_waiting"] else ""
    role = " (stopped)" if source["stopped"] else " (the slowest)" if source["slowest"] else ""
    return f"{source['n_events']:,} events{waiting}, newest {source['newest']}{role}"


def _show_candidates(found: Sequence[Mapping[str, Any]]) -> None:
    """The columns that are not mapped; nothing if there are none."""
    if not found:
        return
    table = render.narrow("columns that are not mapped", ("column", "read as", "remark", "values", "NULL"), 3)
    for one in found[:_SHOWN]:
        counts = (f"{one['n_values']:,}", f"{one['null_share']:.0%}") if one["kind"] else ("", "")
        table.add_row(one["name"], one["kind"] or "", one["hint"] or "", *counts)
    render.show_fitting(table, prose=("remark",))
    if len(found) > _SHOWN:
        render.say(f"and {len(found) - _SHOWN} more (--json has all)", "dim")
    if any(one["hint"] is None for one in found):
        render.say("train with --features auto to try those without a remark, or name them with --feature", "dim")


def _show_amounts(names: Sequence[str]) -> None:
    """The columns that look like amounts; nothing if there are none, or one is mapped."""
    if names:
        named = " or ".join(names[:_LIKELY])
        render.say(f"{named} may be what an event is worth: name the column with --amount to predict spend", "dim")


def _tied(report: Mapping[str, Any]) -> str:
    """How many of the events are tied, and what orders them; nothing if none is."""
    if not report["n_ties"]:
        return ""
    order = ", ".join(report["mapping"]["order"])
    left = f", {report['n_undecided']:,} of them undecided" if order and report["n_undecided"] else ""
    share = f"{report['n_ties'] / report['n_events']:.1%} of the events"
    return f" ({share}, in order of {order or 'action'}{left})"
