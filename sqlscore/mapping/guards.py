"""The guards: what is said or refused when incoming events differ from those that were mapped and scored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import duckdb

from sqlscore.errors import GuardError
from sqlscore.events.mapping import Mapping
from sqlscore.mapping.composition.feeds import feed_states
from sqlscore.mapping.ended_groups import ended_groups, in_words
from sqlscore.mapping.leap import MIN_USERS, days, leap_in
from sqlscore.mapping.thin_days import in_words as said_of_days
from sqlscore.mapping.watch import Before, Finding, Watched

_FRESHER = 0.5  # a feed was fresh if its newest event was younger than this share of `silent_days`


@dataclass(frozen=True)
class Guard:
    """A row of `sqlscore.guards`."""

    threshold: float
    outcome: str


Guards = dict[str, Guard]

OUTCOMES = ("ok", "note", "warn", "refuse")
"""What a guard may say of the events, the gravest last."""


def read_guards(con: duckdb.DuckDBPyConnection) -> Guards:
    """The guards of the file; a row that was deleted watches nothing."""
    rows = con.execute("SELECT name, threshold, outcome FROM sqlscore.guards").fetchall()
    return {name: Guard(threshold, outcome) for name, threshold, outcome in rows}


def outcomes(guards: Guards, findings: Iterable[Finding]) -> dict[str, str]:
    """What each guard says of the events: ok, or the gravest of note, warn and refuse."""
    said = dict.fromkeys(guards, OUTCOMES[0])
    for finding in findings:
        said[finding.name] = max(said.get(finding.name, OUTCOMES[0]), finding.outcome, key=OUTCOMES.index)
    return said


COUNTED_BY_SCORING = ("unknown_share", "largest_user_share")
"""What a refresh counts in the scores of all users, and a look at the events does not."""


BY_REFRESH = "refresh with accept=True (--accept)"
BY_DBT = 'dbt build --vars "{sqlscore_accept: true}"'
"""How events that a guard refuses are accepted."""


def refuse(findings: Iterable[Finding], guards: Guards, mapping: str, accept: bool, how: str = BY_REFRESH) -> None:
    """Raise GuardError if a guard refuses these events and they were not accepted."""
    findings = tuple(findings)
    refused = [finding.what for finding in findings if finding.outcome == "refuse"]
    if refused and not accept:
        raise GuardError(
            f'the events mapped as "{mapping}" were not scored, and the old scores stay: {"; ".join(refused)}; '
            f"correct the events, or {how} if they are right",
            outcomes(guards, findings),
            mapping,
        )


def judge(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, guards: Guards, seen: Watched, before: Before
) -> tuple[Finding, ...]:
    """What the guards find in a profile, compared with the one at mapping and with that of the last refresh."""
    values = [*_of_times(seen, before), *_of_shares(seen, before), *_of_counts(con, mapping, guards, seen, before)]
    values += _of_sources(con, mapping, before)
    values += _of_groups(con, mapping, guards, seen, before)
    values += _of_days(guards, seen, before)
    findings: list[Finding] = []
    for name, value, what, remedy in values:
        guard = guards.get(name)
        subject = what.partition(",")[0]  # the same against the last refresh and against mapping is said once
        said = any(finding.name == name and finding.what.startswith(subject) for finding in findings)
        if guard is not None and value > guard.threshold and not said:
            findings.append(Finding(name, guard.outcome, what, remedy))
    names = {finding.name for finding in findings}
    if "mostly_future" in names:
        findings = [finding for finding in findings if finding.name != "future_share"]
    if "emptied_share" in names:
        findings = [finding for finding in findings if finding.name != "vanished_share"]
    if before.last is not None and _same(seen, before.last):  # nothing came: what was found still holds
        findings += [finding for finding in before.findings if finding.name not in names]
    return tuple(findings)


Value = tuple[str, float, str, str]  # the guard's name, the value, what to say, the remedy


def _of_times(seen: Watched, before: Before) -> Iterator[Value]:
    accepted = before.mapped if before.accepted else None
    if seen.n_future:
        share = seen.n_future / seen.n_rows
        what = (
            f"{seen.n_future} of {seen.n_rows} rows lie in the future (newest: {seen.newest_future}), and are left out "
            "until then: correct them, or map again with time_cap (--time-cap), the time up to which events count"
        )
        yield "future_share", share - _share(accepted, "n_future"), what, "cap"
        yield "mostly_future", share, what, "cap"
    if seen.n_far_past:
        yield (
            "far_past_share",
            seen.n_far_past / seen.n_events - _share(accepted, "n_far_past", "n_events"),
            f"{seen.n_far_past} of {seen.n_events} events are very old, before 1990 or decades before the others "
            f"(first: {seen.first_time}): the times may be of two units, or 0 or -1 where there is none; correct them "
            "in a view",
            "accept",
        )


def _of_shares(seen: Watched, before: Before) -> Iterator[Value]:
    for then, when in ((before.last, f"at the last {before.verb}"), (before.mapped, _when(before))):
        if then is None or not seen.n_rows or not then.n_rows:
            continue
        share, old = seen.n_left_out / seen.n_rows, then.n_left_out / then.n_rows
        yield (
            "left_out_share",
            share - old,
            f"{share:.1%} of the rows are left out, {old:.1%} were {when}: {seen.n_no_user} have no user, "
            f"{seen.n_no_time + seen.n_infinite} no finite time, {seen.n_no_action} no action",
            "accept",
        )
        for name, count in seen.n_missing.items():
            if name in then.n_missing:
                share, old = count / seen.n_rows, then.n_missing[name] / then.n_rows
                what = f'{share:.1%} of the rows have no "{name}", {old:.1%} had none {when}'
                yield "missing_share", share - old, what, "accept"
    accepted = before.mapped if before.accepted else None
    base = _share(accepted, "n_unknown", "n_events")
    if seen.n_unknown is not None and seen.n_events:
        share = seen.n_unknown / seen.n_events
        what = f"{share:.1%} of the events have an action that {seen.model} does not know: train again"
        yield "unknown_share", share - base, what, "train"
        if seen.unknown_share_of_new is not None and seen.unknown_share_of_new > share:
            what = (
                f"{seen.unknown_share_of_new:.1%} of the new events have an action that {seen.model} does not know: "
                "train again"
            )
            yield "unknown_share", seen.unknown_share_of_new - base, what, "train"
    if seen.largest_user_share is not None and (seen.n_users or 0) >= MIN_USERS:
        yield (
            "largest_user_share",
            seen.largest_user_share - (accepted.largest_user_share or 0.0 if accepted else 0.0),
            f"one user has {seen.largest_user_share:.1%} of all events: a placeholder such as '' or 'undefined'? Leave "
            "it out in a view",
            "accept",
        )


def _of_counts(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, guards: Guards, seen: Watched, before: Before
) -> Iterator[Value]:
    last = before.last or before.mapped
    if last is not None and last.n_events:
        lost = 1 - seen.n_events / last.n_events
        what = f"{last.n_events - seen.n_events} of {last.n_events} events are gone since {_since(before)}"
        yield "vanished_share", lost, what, "accept"
        yield "emptied_share", lost, what, "accept"
        if seen.newest_time == last.newest_time:
            more = seen.n_events - last.n_events
            what = f"{more} events came since {_since(before)}, and none of them is newer: loaded twice?"
            yield "repeated_share", -lost, what, "accept"
        if "leap_days" in guards and days(last.newest_time, seen.newest_time) > guards["leap_days"].threshold:
            leap = leap_in(con, mapping, last, seen)
            if leap is not None:
                what = (
                    f"the newest events, {leap.n_events} since {leap.start}, lie {leap.days:.0f} days after all others "
                    "with hardly any between, and every user would be scored as of then: a wrong date?"
                )
                yield "leap_days", leap.days, what, "accept"
    age = days(seen.newest_time, seen.taken_at)
    silent = guards.get("silent_days")
    fresh = [
        days(then.newest_time, then.taken_at) <= _FRESHER * silent.threshold
        for then in (before.last, before.mapped)
        if then is not None and silent is not None
    ]
    if any(fresh):
        yield "silent_days", age, f"the newest event is {age:.0f} days old: has the feed stopped?", "accept"


def _of_sources(con: duckdb.DuckDBPyConnection, mapping: Mapping, before: Before) -> Iterator[Value]:
    """Sources that have stopped, and had not when the events were mapped, or accepted."""
    states = feed_states(con, mapping)
    newest = max((state.newest for state in states), default=None)
    for state in states:
        # Events are read up to the newest one of the slowest source that has not stopped, so this one had by then.
        known = before.mapped is not None and days(state.newest, before.mapped.newest_time) > 0
        if state.stopped and not known:
            lag = days(state.newest, newest)
            what = (
                f'the source "{state.name}" has stopped: its newest event ({state.newest}) lies {lag:.0f} days behind '
                "those of the others, and the scores do not wait for it"
            )
            yield "silent_days", lag, what, "accept"


def _of_groups(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, guards: Guards, seen: Watched, before: Before
) -> Iterator[Value]:
    """At mapping the groups that ended before the rest, later those that were fresh at mapping or the last refresh."""
    guard = guards.get("group_silent_days")
    if guard is None or mapping.group is None:
        return
    ended = ended_groups(con, mapping, seen.newest_time, guard.threshold)
    then = [at.newest_time for at in (before.last, before.mapped) if at is not None]
    if then:
        fresh = _FRESHER * guard.threshold
        ended = [one for one in ended if any(days(one.newest, newest) <= fresh for newest in then)]
    if ended:
        stopped = "has their feed stopped?" if then else "their users are scored as of then, and labelled up to then"
        what = f'groups of "{mapping.group}" ended long before the newest event: {in_words(ended)}: {stopped}'
        yield "group_silent_days", max(one.days for one in ended), what, "accept"


def _of_days(guards: Guards, seen: Watched, before: Before) -> Iterator[Value]:
    """At mapping all such days; later those that were not over when the events were last looked at."""
    guard = guards.get("thin_day_share")
    if guard is None:
        return
    last = before.last or before.mapped
    since = None if last is None or last.newest_time is None else last.newest_time.date()
    thin = [one for one in seen.thin_days if one.lacking > guard.threshold and (since is None or one.day >= since)]
    if thin:
        yield "thin_day_share", max(one.lacking for one in thin), said_of_days(thin), "accept"


def _same(seen: Watched, last: Watched) -> bool:
    return (seen.n_rows, seen.n_events, seen.newest_time) == (last.n_rows, last.n_events, last.newest_time)


def _share(then: Watched | None, part: str, whole: str = "n_rows") -> float:
    return (getattr(then, part) or 0) / getattr(then, whole) if then is not None and getattr(then, whole) else 0.0


def _since(before: Before) -> str:
    return f"the last {before.verb}" if before.last is not None else "it was mapped"


def _when(before: Before) -> str:
    return "when they were accepted" if before.accepted else "when they were mapped"
