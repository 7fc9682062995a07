"""What is found in the events of a mapping, and what `map_events` returns of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import duckdb

from sqlscore.database.composition import spelled_out
from sqlscore.database.lacking import lacking_features, unread_features
from sqlscore.events.mapping import Mapping
from sqlscore.mapping.alike import alike
from sqlscore.mapping.amounts import likely_amounts
from sqlscore.mapping.candidates import Candidate, candidates, features_that_ended
from sqlscore.mapping.chance import doubts_of_clock
from sqlscore.mapping.composition.attributes import doubts_of_attributes
from sqlscore.mapping.composition.feeds import FeedState, doubts_of_sources, feed_states
from sqlscore.mapping.groups import Groups, groups, likely_groups
from sqlscore.mapping.guards import judge, read_guards
from sqlscore.mapping.levels import Levels, levels
from sqlscore.mapping.profile import Profile, profile
from sqlscore.mapping.read_once import over, read_once
from sqlscore.mapping.times import mixed_units
from sqlscore.mapping.watch import Before, Finding, Watched, watch


@dataclass(frozen=True)
class MappingReport:
    """A mapping, and what was found in its events."""

    mapping: Mapping
    profile: Profile
    warnings: tuple[str, ...]
    levels: Levels | None = None  # if actions have two
    unchanged: bool = False  # mapped like this already: nothing was changed
    dropped: dict[str, int] = field(default_factory=dict)  # rows by table, of what was made from the old mapping
    kept: dict[str, int] = field(default_factory=dict)  # rows by table, of its past scores
    candidates: tuple[Candidate, ...] = ()  # columns that are not mapped
    sources: tuple[FeedState, ...] = ()  # if there are several
    groups: Groups | None = None  # if events have some
    likely_amounts: tuple[str, ...] = ()  # columns that may say what an event is worth, if none is mapped as that

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        counted = {"levels": asdict(self.levels)} if self.levels is not None else {}
        counted |= {"groups": asdict(self.groups)} if self.groups is not None else {}
        again = {"unchanged": self.unchanged, "dropped": self.dropped, "kept": self.kept}
        again |= {"sources": [asdict(source) for source in self.sources]}
        again |= {"candidates": [asdict(candidate) for candidate in self.candidates]}
        again |= {"likely_amounts": list(self.likely_amounts)}
        warnings = {"warnings": list(self.warnings)}
        mapping = {"mapping": asdict(self.mapping), "made_of": self.mapping.made_of}
        return {**mapping, **asdict(self.profile), **counted, **warnings, **again}


def report_on(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, copy: str | None = None
) -> tuple[MappingReport, Watched, tuple[Finding, ...]]:
    """Look at the events of a mapping that may not be stored yet: (the report, counts to keep, what the guards find).

    Args:
        con: A connection to the database.
        mapping: The mapped events.
        copy: SQL that stands in a FROM clause: the rows of the one relation that is mapped, which cost less to read.

    Raises MappingError if no row can be used.
    """
    read = mapping if copy is None else over(mapping, copy)
    there = spelled_out(con, read)  # the view of composed events may not be there yet
    guards = read_guards(con)
    silent = guards.get("group_silent_days")
    with read_once(con, there, whole=copy is not None) as events:
        schema = con.sql(f"FROM {there.relation} LIMIT 0").to_arrow_table().schema
        profiled, warnings = profile(con, events, schema.names)
        watched = replace(watch(con, events), n_users=profiled.n_users, largest_user_share=profiled.largest_user_share)
        source = there if copy is None else events
        days = None if silent is None else silent.threshold
        others = candidates(con, source, days, n_rows_in=events.relation)
        sites = (*others, *features_that_ended(con, source, days, events.relation))
        found = judge(con, events, guards, watched, Before())
        feeds = there.composition.feeds if there.composition is not None else ()
        # That a source stopped is said of it as a source; its users may have events of others, and are not of a group.
        ended = likely_groups([candidate for candidate in sites if not (feeds and candidate.name == "source")], guards)
        found = (*found, *alike(con, events, guards), *ended)
        warnings += tuple(finding.what for finding in found)
        mixed = mixed_units(con, events)
        warnings += () if mixed is None else (mixed,)
        counted, more = levels(con, events, profiled.n_actions)
        parts, small = groups(con, events)
    warnings += (
        *more,
        *doubts_of_clock(con, there),
        *doubts_of_sources(con, there),
        *doubts_of_attributes(con, there),
        *small,
    )
    lacking = lacking_features(con, there)
    if lacking:
        said = f'the champion of "{mapping.name}" reads {lacking}, not mapped: map them, or train again'
        warnings = (*warnings, said)
    unread = unread_features(con, there)
    if unread:
        warnings = (*warnings, f'the champion of "{mapping.name}" was trained without {unread}: train again to use it')
    report = MappingReport(mapping, profiled, warnings, counted, candidates=others, groups=parts)
    types = dict(zip(schema.names, schema.types, strict=True))
    return replace(report, sources=feed_states(con, there), likely_amounts=likely_amounts(there, types)), watched, found
