"""An export that is taken for another one, or mapped by hand, is told by its name."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from made_exports import MADE

import sqlscore
from sqlscore.errors import EventsError, MappingError
from sqlscore.mapping.presets.registry import PRESETS

FILES = {
    "amplitude": "*.json.gz",
    "ga4": "events_202*.json.gz",
    "matomo": "*_action.tsv",
    "mixpanel": "export.jsonl",
    "posthog": "events.jsonl.gz",
    "rudderstack": "tracks.csv",
    "segment": "tracks.csv",
    "snowplow": "events.csv",
}


@pytest.mark.parametrize("preset", FILES)
def test_the_right_format_is_named(preset: str, con: duckdb.DuckDBPyConnection, tmp_path: Path):
    MADE[preset](tmp_path, 8)
    file = next(file for file in sorted(tmp_path.glob(FILES[preset])) if "log_action" not in file.name)
    other = "ga4" if preset != "ga4" else "snowplow"
    with pytest.raises(MappingError, match=f"is not what .*this looks like .*--from {preset}$"):
        sqlscore.map_export(con, other, file)
    columns = {"user_id": "amplitude_id"} if preset == "amplitude" else {}
    try:
        said = " ".join(sqlscore.map_events(con, str(file), **columns).warnings)  # type: ignore[arg-type]
    except (EventsError, MappingError) as error:
        said = str(error)
    assert f"this looks like {PRESETS[preset].title}: init --from {preset} PATH" in said


def test_every_format_has_its_truth():
    """A preset without a generator is not tested."""
    assert {name for name in PRESETS if name not in MADE} <= {"ocel", "xes"}


def test_a_format_that_nobody_knows_is_refused_with_the_list(con: duckdb.DuckDBPyConnection):
    with pytest.raises(MappingError, match='no preset "heap" .*ga4, snowplow'):
        sqlscore.map_export(con, "heap", "x.json")


def test_an_option_that_the_format_does_not_have_is_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path):
    with pytest.raises(MappingError, match="has no option time_zone .options: none."):
        sqlscore.map_export(con, "ga4", tmp_path, options={"time_zone": "UTC"})
