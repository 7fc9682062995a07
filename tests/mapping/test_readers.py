"""A mapped view shows the same to everyone: when it is mapped, and after it, or what it reads, was replaced."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pytest
from tiny_model import tiny_artifact

import sqlscore
from sqlscore.database.queries import one
from sqlscore.database.registry import register
from sqlscore.errors import MappingError
from sqlscore.events.mapping import CANONICAL, Mapping
from sqlscore.mapping.read_once import read_once
from sqlscore.quoting import qualified

IN_UTC = "CREATE OR REPLACE VIEW inner_v AS SELECT u AS user_id, ts AT TIME ZONE 'UTC' AS event_time, a FROM raw"
BY_ZONE = "CREATE OR REPLACE VIEW inner_v AS SELECT u AS user_id, CAST(ts AS TIMESTAMP) AS event_time, a FROM raw"
OUTER = "CREATE OR REPLACE VIEW v AS SELECT user_id, event_time, a AS event_type FROM inner_v"


@pytest.fixture
def viewed(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A view over a view over a table with zoned times, mapped and scored."""
    con.execute(
        """CREATE TABLE raw AS SELECT i % 9 AS u, TIMESTAMPTZ '2024-01-01 12:00:00+00' + to_hours(i) AS ts, 'view' AS a
           FROM range(90) t(i)"""
    )
    con.execute(f"{IN_UTC}; {OUTER}")
    sqlscore.map_events(con, "v")
    register(con, tiny_artifact(), name="m", mapping="events", champion=True, verb="train")
    sqlscore.refresh(con)
    return con


SCORES = "SELECT user_id, last_event_time FROM sqlscore.scored_users ORDER BY user_id"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (BY_ZONE, "in other time zones.*AT TIME ZONE"),
        (
            "CREATE OR REPLACE VIEW v AS SELECT user_id, CAST(event_time AT TIME ZONE 'UTC' AS DATE) AS event_time, "
            "a AS event_type FROM inner_v",
            "in other time zones",
        ),
        (f"{IN_UTC} WHERE u <> coalesce(getvariable('hidden'), -1)", r"view .*inner_v. reads getvariable\(\.\.\.\)"),
        (
            "CREATE OR REPLACE VIEW v AS SELECT user_id, event_time, current_setting ('TimeZone') AS event_type "
            "FROM inner_v",
            r"reads current_setting\(\.\.\.\)",
        ),
    ],
)
def test_a_view_that_was_replaced_is_checked_by_the_next_refresh(
    viewed: duckdb.DuckDBPyConnection, change: str, said: str
) -> None:
    """By the words of map_events, each time; the old scores stay until the view is mended."""
    before = viewed.execute(SCORES).fetchall()
    viewed.execute(change)
    for _ in range(2):
        with pytest.raises(MappingError, match=said):
            sqlscore.refresh(viewed)
    with pytest.raises(MappingError, match=said):
        sqlscore.map_events(viewed, "v")
    assert viewed.execute(SCORES).fetchall() == before
    viewed.execute(f"{IN_UTC}; {OUTER}")
    sqlscore.refresh(viewed)
    assert viewed.execute(SCORES).fetchall() == before


def test_views_that_are_as_they_were_are_not_read_again(
    viewed: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two more scans of the events would be dear; a view that is sound is checked once and noted."""
    read: list[str] = []
    monkeypatch.setattr("sqlscore.verbs.refresh.check_readers", lambda con, mapping: read.append(mapping.name))
    sqlscore.refresh(viewed)
    assert read == []
    viewed.execute(f"{IN_UTC} WHERE u < 5")
    with pytest.warns(UserWarning, match="events are gone"):
        sqlscore.refresh(viewed)
    with pytest.warns(UserWarning, match="events are gone"):
        sqlscore.refresh(viewed)
    assert read == ["events"]


@pytest.mark.parametrize(
    "condition",
    ["a <> 'getvariable(''x'')'", "a <> 'current_setting(1)'", 'a <> "getvariable"', "a <> current_setting"],
)
def test_texts_and_columns_of_such_names_are_no_matter(con: duckdb.DuckDBPyConnection, condition: str) -> None:
    con.execute("CREATE TABLE t AS SELECT 1 AS u, TIMESTAMP '2024-01-01' AS ts, 'a' AS a, 'b' AS getvariable")
    con.execute("ALTER TABLE t ADD COLUMN current_setting VARCHAR DEFAULT 'b'")
    con.execute(f"CREATE VIEW v AS SELECT u AS user_id, ts AS event_time, a AS event_type FROM t WHERE {condition}")
    assert sqlscore.map_events(con, "v").profile.n_events == 1


def test_a_view_that_reads_a_variable_is_refused_by_its_name(con: duckdb.DuckDBPyConnection) -> None:
    """The caller sees rows, the verbs none: "no row can be used" would not say why."""
    con.execute("SET VARIABLE tenant = 3")
    con.execute(
        """CREATE VIEW v AS SELECT i AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'a' AS event_type
           FROM range(9) t(i) WHERE i = getvariable('tenant')"""
    )
    with pytest.raises(MappingError, match=r'view "main"\."v" reads getvariable.*a table that the view reads'):
        sqlscore.map_events(con, "v")


@pytest.mark.parametrize(
    "column",
    [
        "CAST(CAST(written AS TIMESTAMPTZ) AS TIMESTAMP)",
        "CAST(to_timestamp(second) AS DATE)",
        "in_local_time(written)",
        "list_transform([written], lambda w: CAST(CAST(w AS TIMESTAMPTZ) AS TIMESTAMP))[1]",
        "strptime(written, '%Y-%m-%d %H:%M:%S%z')::TIMESTAMP",
    ],
)
def test_a_zone_is_found_wherever_in_a_view_it_is_read(con: duckdb.DuckDBPyConnection, column: str) -> None:
    """The table holds no zoned times; a cast, a function, a macro, a lambda or a format brings them in."""
    con.execute(
        """CREATE TABLE raw AS SELECT i % 9 AS user_id, 'view' AS event_type, 1704067200 + 3600 * i AS second,
               strftime(make_timestamp(second * 1000000), '%Y-%m-%d %H:%M:%S+00') AS written FROM range(90) t(i);
           CREATE MACRO in_local_time(w) AS CAST(CAST(w AS TIMESTAMPTZ) AS TIMESTAMP)"""
    )
    con.execute(f"CREATE VIEW v AS SELECT user_id, event_type, {column} AS event_time FROM raw")
    with pytest.raises(MappingError, match="in other time zones"):
        sqlscore.map_events(con, "v")


def test_what_is_mapped_of_a_view_is_looked_at_in_a_copy_of_those_columns(viewed: duckdb.DuckDBPyConnection) -> None:
    """A view may group a whole export each time that it is read, and be wide; a table is read where it is."""
    viewed.execute(
        """CREATE VIEW wide AS SELECT u AS user_id, ts AS event_time, a AS event_type, u % 2 AS shop, ts AS id,
               repeat('x', 9) AS page FROM raw"""
    )
    mapping = Mapping("events", '"wide"', *CANONICAL, event_id=("id", "user_id"), group="shop")
    with read_once(viewed, mapping) as copy:
        assert viewed.sql(f"FROM {copy.relation}").columns == [*CANONICAL, "shop", "id"]
        assert one(viewed, f"SELECT count(*) FROM {copy.relation}") == (90,)
    with pytest.raises(duckdb.CatalogException, match="does not exist"):
        viewed.execute(f"FROM {copy.relation}")
    table = replace(mapping, relation=qualified("main", "raw"))
    with read_once(viewed, table) as same:
        assert same is table
