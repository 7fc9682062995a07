"""Snapshots and Parquet folders: whole, comparable, and never in the place of somebody's own files."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.errors import PublishError
from sqlscore.publishing import exchange

TABLES = ["scored_users", "scored_segments", "segment_summary"]


@pytest.fixture
def scored(shop: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The shop after a refresh."""
    sqlscore.refresh(shop)
    return shop


def grow(con: duckdb.DuckDBPyConnection) -> None:
    """One more user, and a later as_of."""
    con.execute("INSERT INTO clicks VALUES (99, '2024-03-01', 'view', 1)")
    sqlscore.refresh(con)


def test_a_snapshot_holds_tables_that_a_plain_duckdb_reads(scored, tmp_path):
    """No functions, no views, comments in place, in the storage format of DuckDB 1.2."""
    path = tmp_path / "bi.duckdb"
    report = sqlscore.publish(scored, path, tables=TABLES)
    here = scored.execute("FROM sqlscore.scored_segments ORDER BY user_id").fetchall()
    with duckdb.connect(path, read_only=True) as con:
        assert con.execute("FROM sqlscore.scored_segments ORDER BY user_id").fetchall() == here
        assert con.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall() == [(0,)]
        tags = con.execute(
            "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = 'bi'"
        ).fetchall()
        assert tags[0][0].startswith("v1.2.0")
        query = (
            "SELECT comment FROM duckdb_columns() WHERE table_name = 'scored_segments' AND column_name = 'risk_band'"
        )
        assert "high (0.7 and over)" in con.execute(query).fetchall()[0][0]
        noted = con.execute(
            "SELECT table_name, n_rows, checksum, model FROM sqlscore.publications ORDER BY 1"
        ).fetchall()
    assert noted[1] == ("scored_users", 40, report.tables["scored_users"].checksum, "tiny@1")


def test_a_reader_of_the_old_snapshot_keeps_it(scored, tmp_path):
    """The file is replaced, not written into; no half-written file is ever under the name, and none is left beside."""
    path = tmp_path / "bi.duckdb"
    sqlscore.publish(scored, path, tables=TABLES)
    count = "SELECT count(*), count(DISTINCT as_of) FROM sqlscore.scored_users"
    with duckdb.connect(path, read_only=True) as old:
        grow(scored)
        sqlscore.publish(scored, path, tables=TABLES)
        assert old.execute(count).fetchall() == [(40, 1)]
    with duckdb.connect(path, read_only=True) as new:
        assert new.execute(count).fetchall() == [(41, 1)]
    assert [file.name for file in tmp_path.iterdir()] == ["bi.duckdb"]


def test_a_failed_snapshot_leaves_the_old_one(scored, tmp_path):
    """Whatever goes wrong while it is written: the file that dashboards read is the one from before."""
    path = tmp_path / "bi.duckdb"
    sqlscore.publish(scored, path, tables=TABLES)
    before = path.read_bytes()
    scored.execute("CREATE TABLE odd AS SELECT 1 AS i")
    scored.execute("CREATE TABLE late AS SELECT '1'::VARIANT AS v")
    with pytest.raises(PublishError, match="nothing was replaced"):
        sqlscore.publish(scored, path, tables=["odd", "late"])
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["bi.duckdb"]
    assert sqlscore.publish(scored, path, tables=["odd"]).tables["odd"].rows == 1


def test_a_database_that_is_no_snapshot_is_not_replaced(scored, tmp_path):
    """A typing error in --to must not cost anybody a database, this one included."""
    precious = tmp_path / "precious.duckdb"
    with duckdb.connect(precious) as con:
        con.execute("CREATE TABLE years_of_work AS SELECT 1")
    text = tmp_path / "text.db"
    text.write_text("not a database")
    for path, why in ((precious, "would be lost"), (text, "cannot be opened")):
        before = path.read_bytes()
        with pytest.raises(PublishError, match=why):
            sqlscore.publish(scored, path, tables=TABLES)
        assert path.read_bytes() == before
    own = tmp_path / "own.duckdb"
    with sqlscore.connect(own) as con:
        con.execute(
            "CREATE TABLE events AS SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'a' AS event_type"
        )
        sqlscore.map_events(con, "events")
        with pytest.raises(PublishError, match="the database itself"):
            sqlscore.publish(con, own, tables=["sessions"])
    with pytest.raises(PublishError, match="no folder"):
        sqlscore.publish(scored, tmp_path / "nowhere" / "bi.duckdb", tables=TABLES)


def test_parquet_is_cut_into_hive_folders_and_reads_back(scored, tmp_path):
    """Any engine finds risk_band in the paths, and the same rows as here."""
    folder = tmp_path / "bi"
    sqlscore.publish(scored, folder, tables=TABLES, partition_by=["risk_band"])
    assert all(path.parent.name.startswith("risk_band=") for path in folder.glob("scored_segments/**/*.parquet"))
    files = f"read_parquet('{folder}/scored_segments/**/*.parquet', hive_partitioning = true)"
    here = scored.execute("SELECT user_id, risk_band, churn_risk FROM sqlscore.scored_segments ORDER BY 1").fetchall()
    assert duckdb.sql(f"SELECT user_id, risk_band, churn_risk FROM {files} ORDER BY 1").fetchall() == here
    users = f"'{folder}/scored_users/*.parquet'"
    assert duckdb.sql(f"SELECT count(*) FROM {users}").fetchall() == [(40,)]
    said = duckdb.sql(
        f"SELECT decode(value) FROM parquet_kv_metadata({users}) WHERE decode(key) = 'comment.churn_risk'"
    )
    assert "horizon" in said.fetchall()[0][0]
    notes = json.loads((folder / "_publications.json").read_text())
    assert notes["scored_users"]["n_rows"] == 40
    assert notes["scored_users"]["model"] == "tiny@1"


def test_values_of_folders_come_back_as_they_were(scored, tmp_path):
    """No text and NULL are two folders, and a code stays text: other writers make one of the first two."""
    values = [("", 1), ("01", 2), ("DE", 3), ("a/b = %", 4), (None, 5)]
    scored.execute("CREATE TABLE by_country (country VARCHAR, n INTEGER)")
    scored.executemany("INSERT INTO by_country VALUES (?, ?)", values)
    sqlscore.publish(scored, tmp_path / "bi", tables=["by_country"], partition_by=["country"])
    files = f"read_parquet('{tmp_path}/bi/by_country/**/*.parquet', hive_types_autocast = false)"
    assert duckdb.sql(f"SELECT country, n FROM {files} ORDER BY n").fetchall() == values
    assert len(list((tmp_path / "bi" / "by_country").iterdir())) == len(values)


def test_types_that_parquet_lacks_keep_their_values(scored, tmp_path):
    """HUGEINT would be stored as DOUBLE, intervals as milliseconds: they go as decimals and text."""
    scored.execute(
        """CREATE TABLE odd AS SELECT 12345678901234567890123456789::HUGEINT AS h, INTERVAL '1.000001 second' AS v,
           '101'::BIT AS b, 'a'::ENUM('a', 'b') AS e, NULL AS n, [{'x': 1}] AS s"""
    )
    sqlscore.publish(scored, tmp_path / "bi", tables=["odd"])
    rows = duckdb.sql(f"SELECT h, v, b, e, s FROM '{tmp_path}/bi/odd/*.parquet'").fetchall()
    assert str(rows[0][0]) == "12345678901234567890123456789"
    assert rows[0][1:] == ("00:00:01.000001", "101", "a", [{"x": 1}])


def test_a_number_that_parquet_has_no_place_for_is_refused_with_the_remedy(scored, tmp_path):
    """DECIMAL(38, 0) is the widest whole number there, and a HUGEINT may have a digit more."""
    scored.execute("CREATE TABLE wide AS SELECT unnest([1, 170141183460469231731687303715884105727])::HUGEINT AS id")
    with pytest.raises(
        PublishError, match='"id" of wide has 1 numbers of 39 digits, such as 1701.*in which they are text'
    ):
        sqlscore.publish(scored, tmp_path / "bi", tables=["wide"])
    assert list(tmp_path.iterdir()) == []
    scored.execute("CREATE VIEW wide_text AS SELECT CAST(id AS VARCHAR) AS id FROM wide")
    sqlscore.publish(scored, tmp_path / "bi", tables=["wide_text"])
    assert duckdb.sql(f"SELECT max(id) FROM '{tmp_path}/bi/wide_text/*.parquet'").fetchall()[0][0].endswith("105727")


def test_a_parquet_folder_changes_at_once(scored, tmp_path):
    """Readers that list and open all the time see the old rows or the new ones, or no file in the instant between;
    never some of each."""
    folder = tmp_path / "bi"
    sqlscore.publish(scored, folder, tables=TABLES, partition_by=["next_action"])
    query = f"SELECT count(*), count(DISTINCT as_of) FROM read_parquet('{folder}/scored_users/**/*.parquet')"
    stop, seen, torn = threading.Event(), set(), []

    def read() -> None:
        with duckdb.connect() as con:
            while not stop.is_set():
                try:
                    row = con.execute(query).fetchall()[0]
                except duckdb.IOException:
                    continue
                seen.add(row[0])
                if row[1] != 1:
                    torn.append(row)

    reader = threading.Thread(target=read)
    reader.start()
    for extra in range(1, 6):
        scored.execute("INSERT INTO clicks SELECT 100 + $1, TIMESTAMP '2024-03-01' + to_days($1), 'view', 1", [extra])
        sqlscore.refresh(scored)
        sqlscore.publish(scored, folder, tables=TABLES, partition_by=["next_action"])
    stop.set()
    reader.join(30)
    assert torn == []
    assert duckdb.sql(query).fetchall() == [(45, 1)]
    assert [path.name for path in tmp_path.iterdir()] == ["bi"]


def test_a_folder_with_other_files_is_not_replaced(scored, tmp_path):
    """Publishing to the home folder is a mistake, not a wish."""
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(PublishError, match="did not publish"):
        sqlscore.publish(scored, tmp_path, tables=TABLES)
    assert (tmp_path / "letter.txt").read_text() == "dear"
    with pytest.raises(PublishError, match='no published table has a column "colour"'):
        sqlscore.publish(scored, tmp_path / "new", tables=TABLES, partition_by=["colour"])
    assert not (tmp_path / "new").exists()
    scored.execute('CREATE TABLE "../out" AS SELECT 1 AS i')
    with pytest.raises(PublishError, match="cannot be the name of a folder"):
        sqlscore.publish(scored, tmp_path / "new", tables=["../out"])


def test_folders_change_places_without_the_system_call_too(tmp_path, monkeypatch):
    """Other systems and some file systems have no exchange: two renames do it, and put things back on failure."""
    monkeypatch.setattr(exchange, "_exchanged", lambda new, old: False)
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "is").write_text(name)
    exchange.exchange(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old" / "is").read_text() == "new"
    assert (tmp_path / "new" / "is").read_text() == "old"
    with pytest.raises(OSError, match="missing"):
        exchange.exchange(tmp_path / "missing", tmp_path / "old")
    assert (tmp_path / "old" / "is").read_text() == "new"


def test_a_second_mapping_is_published_under_its_own_schema(scored, tmp_path):
    """Two mapped tables do not overwrite each other's scores."""
    sqlscore.map_events(scored, "clicks", user_id="client id", event_time="when", event_type="select", name="Odd_1")
    path = tmp_path / "bi.duckdb"
    report = sqlscore.publish(scored, path, tables=["transitions"], mapping="Odd_1")
    assert report.schema == "sqlscore_Odd_1"
    with duckdb.connect(path, read_only=True) as con:
        assert con.execute('SELECT count(*) > 0 FROM "sqlscore_Odd_1".transitions').fetchall() == [(True,)]


def test_the_command_prints_what_it_published(tmp_path):
    """A table a line, then where and how long; --json for scripts."""
    events = tmp_path / "events.csv"
    events.write_text("user_id,event_time,event_type\n1,2024-01-01,view\n1,2024-01-02,buy\n")
    db, out = str(tmp_path / "shop.duckdb"), tmp_path / "out"
    assert CliRunner().invoke(app, ["init", db, "--events", str(events)]).exit_code == 0
    arguments = ["publish", db, "--to", str(out), "--tables", "sessions,transitions", "--partition-by", "action"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "transitions" in result.stdout
    assert f"published to {out}" in result.stdout
    assert Path(out, "transitions", "action=view").is_dir()
    result = CliRunner().invoke(app, ["publish", db, "--to", str(out), "--tables", "nothing"])
    assert result.exit_code == 1
    assert 'no table or view "nothing"' in result.stderr
    assert "segment_summary" in result.stderr
    assert not any(name in result.stderr for name in ("aliases", "meta,", "objects", "versions", "user_states"))
