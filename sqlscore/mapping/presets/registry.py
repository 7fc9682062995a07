"""The formats that `--from` knows, and which of them a table looks like."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from sqlscore.errors import MappingError
from sqlscore.mapping.presets.adobe import ADOBE
from sqlscore.mapping.presets.amplitude import AMPLITUDE
from sqlscore.mapping.presets.export import Preset
from sqlscore.mapping.presets.ga4 import GA4
from sqlscore.mapping.presets.matomo import MATOMO
from sqlscore.mapping.presets.mixpanel import MIXPANEL
from sqlscore.mapping.presets.ocel import OCEL
from sqlscore.mapping.presets.posthog import POSTHOG
from sqlscore.mapping.presets.segment import RUDDERSTACK, SEGMENT
from sqlscore.mapping.presets.snowplow import SNOWPLOW
from sqlscore.mapping.presets.xes import XES
from sqlscore.mapping.relations import relation_of, types_of

PRESETS = {
    preset.name: preset
    for preset in (
        GA4,
        SNOWPLOW,
        RUDDERSTACK,
        SEGMENT,
        AMPLITUDE,
        POSTHOG,
        MIXPANEL,
        MATOMO,
        ADOBE,
        XES,
        OCEL,
    )
}
"""By name; where a table has the signs of several, the first is meant."""


def preset_named(name: str) -> Preset:
    """The preset of this name. Raises MappingError if there is none."""
    if name not in PRESETS:
        raise MappingError(f'there is no preset "{name}" (presets: {", ".join(PRESETS)}): choose one of these')
    return PRESETS[name]


def looks_like(columns: Iterable[str]) -> Preset | None:
    """The format whose columns these are; None if they are of none that is known."""
    names = {column.casefold() for column in columns}
    return next((preset for preset in PRESETS.values() if any(sign <= names for sign in preset.signs)), None)


def hint(columns: Iterable[str]) -> str | None:
    """What to say of columns that are mapped by hand and look like a known export; None if they do not."""
    preset = looks_like(columns)
    if preset is None:
        return None
    return (
        f"this looks like {preset.title}: init --from {preset.name} PATH (map_export(con, {preset.name!r}, PATH)) "
        "reads each event once, in order, and finds whose it is"
    )


def hint_of(con: duckdb.DuckDBPyConnection, table: object) -> str | None:
    """The same of a table, a view or a file; None too if there is none of that name, or it cannot be read."""
    try:
        return hint(types_of(con, relation_of(con, str(table)), str(table)))
    except MappingError:
        return None
