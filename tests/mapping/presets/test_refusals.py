"""A file that is cut off, of another format, or with other values is refused by name, and leaves nothing behind."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import duckdb
import pytest

import sqlscore
from sqlscore.errors import MappingError
from sqlscore.simulation.exports.adobe import write_adobe
from sqlscore.simulation.exports.ga4 import write_ga4

ROW: dict[str, object] = {"event_timestamp": "1735700000000000", "event_name": "view", "user_pseudo_id": "1.2"}


def lines(*rows: dict[str, object]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("cut.json", lines(ROW, ROW)[:-20], 'Malformed JSON in file ".*cut.json", at byte .* in line 3'),
        ("cut.json.gz", gzip.compress(lines(ROW) * 500)[:-30], "cut.json.gz.* exported or copied again"),
        ("nameless.jsonl", lines({"event_timestamp": 1}), 'nameless.jsonl" is not what GA4 .* no column "event_name"'),
        ("words.json", lines({**ROW, "event_timestamp": "noon"}), 'words.json", in line 1: .*"noon"'),
        ("ms.json", lines({**ROW, "event_timestamp": "1735700000000"}), "1 of 1 times are before 2000.*unit"),
        ("cut.csv", b"event_timestamp,event_name,user_pseudo_id\n" + b"1735700000000000,a,1\n" * 60 + b"17,x",
         "cut.csv.*Line: 62.*exported or copied again"),
        ("text.csv", b"event_timestamp,event_name,user_pseudo_id\nnoon,a,1\n",
         "text.csv.*column \"event_timestamp\" holds 'noon' in 1 of 1 rows, expected BIGINT"),
        ("empty.json", b"", "empty.json"),
        ("empty.csv", b"", "empty.csv"),
        ("export.xlsx", b"PK", "does not end as a file that is read does"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_named_and_leaves_no_view(
    file: str, content: bytes, said: str, con: duckdb.DuckDBPyConnection, tmp_path: Path
):
    path = tmp_path / file
    path.write_bytes(content)
    with pytest.raises(MappingError, match=f"(?s){said}"):
        sqlscore.map_export(con, "ga4", path)
    assert not views(con)


def test_one_file_of_many_is_the_one_that_is_named(con: duckdb.DuckDBPyConnection, tmp_path: Path):
    """The first has all columns; of the others one has another name for the device."""
    (tmp_path / "events_1.jsonl").write_bytes(lines(ROW))
    (tmp_path / "events_2.jsonl").write_bytes(lines({"event_timestamp": "1735700000000000", "event_name": "x"}))
    with pytest.raises(MappingError, match=r'events_2.jsonl" is not .* "user_pseudo_id" is missing or empty in all 1'):
        sqlscore.map_export(con, "ga4", tmp_path / "*.jsonl")
    assert not views(con)


def test_a_view_that_was_edited_and_a_table_are_never_replaced(con: duckdb.DuckDBPyConnection, tmp_path: Path):
    made = write_ga4(tmp_path, 8)
    con.execute("CREATE TABLE ga4_events (x INTEGER)")
    with pytest.raises(MappingError, match=r'"ga4_events" is something that --from did not make.*--mapping'):
        sqlscore.map_export(con, "ga4", made.paths)
    con.execute("DROP TABLE ga4_events")
    report = sqlscore.map_export(con, "ga4", made.paths)
    assert sqlscore.map_export(con, "ga4", made.paths).events.unchanged
    con.execute(f"CREATE OR REPLACE VIEW ga4_events AS {report.sql} WHERE event_name <> 'purchase'")
    with pytest.raises(MappingError, match="edited since it was made"):
        sqlscore.map_export(con, "ga4", made.paths)
    assert "purchase" in views(con)[0]


def test_what_was_there_is_there_again_after_a_failure(con: duckdb.DuckDBPyConnection, tmp_path: Path):
    """The export is readable, and the mapping fails: a feature that is not there."""
    sqlscore.map_export(con, "ga4", write_ga4(tmp_path / "old", 8).paths)
    before = views(con)
    with pytest.raises(MappingError, match='no column "colour"'):
        sqlscore.map_export(con, "ga4", write_ga4(tmp_path / "new", 8).paths, features=["colour"])
    assert views(con) == before
    assert sqlscore.map_export(con, "ga4", tmp_path / "old" / "*.gz").events.unchanged


def test_the_view_survives_a_reopen_and_reads_new_files(tmp_path: Path):
    made = write_ga4(tmp_path / "x", 20, arrived=0.8)
    with sqlscore.connect(tmp_path / "a.duckdb") as con:
        sqlscore.map_export(con, "ga4", made.paths)
    later = write_ga4(tmp_path / "x", 20)
    with sqlscore.connect(tmp_path / "a.duckdb") as con:
        row = con.execute("SELECT count(*) FROM sqlscore.events").fetchone()
    assert row == (sum(map(len, later.truth.values())),)


def test_a_table_of_the_database_is_as_good_as_files(con: duckdb.DuckDBPyConnection, tmp_path: Path):
    """Nested columns as a BigQuery table or Parquet file has them."""
    made = write_ga4(tmp_path)
    con.execute("CREATE TABLE raw AS FROM read_json(?) WHERE stream_id <> 'intraday'", list(made.paths))
    report = sqlscore.map_export(con, "ga4", "raw")
    assert report.events.profile.n_events == sum(map(len, made.truth.values()))
    assert report.rules["rows delivered again, left out"] == made.repeated


def test_a_known_export_that_is_mapped_by_hand_is_told(con: duckdb.DuckDBPyConnection, tmp_path: Path):
    """In the error if it does not map, in a warning if it does."""
    path = tmp_path / "export.jsonl"
    path.write_bytes(lines({**ROW, "event_timestamp": 1_735_700_000_000_000, "user_id": "a"}))
    with pytest.raises(MappingError, match=r'no column "event_time".*this looks like GA4 .*--from ga4'):
        sqlscore.map_events(con, str(path))
    report = sqlscore.map_events(
        con, str(path), event_time="event_timestamp", event_type="event_name", user_id="user_pseudo_id"
    )
    assert any("--from ga4" in warning for warning in report.warnings)


def views(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The SQL of the user's views."""
    query = "SELECT sql FROM duckdb_views() WHERE NOT internal AND schema_name = 'main'"
    return [sql for (sql,) in con.execute(query).fetchall()]


def test_a_feed_with_more_columns_than_its_header_is_refused(con: duckdb.DuckDBPyConnection, tmp_path: Path):
    """The header of an older feed would give every column behind the new one the name of another."""
    made = write_adobe(tmp_path, 4)
    header = tmp_path / "column_headers.tsv"
    header.write_text(header.read_text(encoding="utf-8").replace("geo_country\n", "").rstrip("\t") + "\n")
    with pytest.raises(MappingError, match=r"has 14 columns and column_headers.tsv names 13"):
        sqlscore.map_export(con, "adobe", made.paths)
