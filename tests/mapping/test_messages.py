"""What mapping says of exports that it cannot take as they are: always what to write instead."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

import sqlscore
from sqlscore.errors import SqlscoreError


@pytest.mark.parametrize(
    ("texts", "remedy"),
    [
        (["1705276800000000", "1705276900000000"], 'CAST("event_time" AS BIGINT)'),
        (["2024-01-01 10:00:00Z", "2024-01-01T10:00:00.250+02:00"], 'CAST("event_time" AS TIMESTAMPTZ)'),
        (["01.02.2024 10:00", "02.02.2024 11:00"], """strptime("event_time", '%d.%m.%Y %H:%M')"""),
        (["2024-02-01T10:00:00.5", "2024-02-02 11:00"], 'CAST("event_time" AS TIMESTAMP)'),
        (
            ["2024-02-01T10:00:00", "2024-02-02T11:00:00-05:30"],
            r"""CAST(trim("event_time") || CASE WHEN regexp_matches("""
            r""""event_time", '[ T]\d\d?(:\d\d)+[.\d]*\s*$') THEN 'Z' ELSE '' END AS TIMESTAMPTZ)""",
        ),
        (["2024-02-01 10:00:00 UTC", "2024-02-02 11:00 Europe/Berlin"], 'CAST("event_time" AS TIMESTAMPTZ)'),
        (["01/02/2024 10:00", "01/13/2024 11:00"], """strptime("event_time", '%m/%d/%Y %H:%M')"""),
        (["1/2/24 10:00 PM", "1/13/24 1:07 AM"], """strptime("event_time", '%m/%d/%y %I:%M %p')"""),
        (["20240201", "20240202"], """strptime("event_time", '%Y%m%d')"""),
        (["20240201100000", "20240202110000"], """strptime("event_time", '%Y%m%d%H%M%S')"""),
        (["1705276800.25", "1705276900.5"], 'CAST("event_time" AS DOUBLE)'),
        (["01/Feb/2024:10:00:00 +0200", "02/Feb/2024:11:00:00 +0200"], "'%d/%b/%Y:%H:%M:%S %z'"),
        (["2024-02-01 10:00:00,250", "2024-02-02 11:00:00,500"], "'%Y-%m-%d %H:%M:%S,%f'"),
        (["1 Feb 2024", "2 Feb 2024"], """strptime("event_time", '%d %b %Y')"""),
        (
            ["2024-02-01", "2024-02-02", "n/a"],
            "TRY_CAST(\"event_time\" AS TIMESTAMP); 1 of the texts, such as 'n/a', give NULL then",
        ),
        (["01/02/2024", "02/03/2024"], "'%m/%d/%Y') or strptime(\"event_time\", '%d/%m/%Y'): the texts fit each"),
        (["lorem ipsum " * 1_000, "2024-W06"], "ipsum' is written in none of the ways"),
        (["2024-W05", "2024-W06"], """with strptime("event_time", FORM); '2024-W05' is written in none of the ways"""),
    ],
)
def test_times_as_text_are_answered_with_the_cast_that_fits(
    con: duckdb.DuckDBPyConnection, texts: list[str], remedy: str
) -> None:
    """The remedy works: the view that it names can be mapped."""
    con.execute("CREATE TABLE e AS SELECT 1 AS user_id, unnest(?::VARCHAR[]) AS event_time, 'a' AS event_type", [texts])
    with pytest.raises(SqlscoreError) as caught:
        sqlscore.map_events(con, "e")
    assert remedy in str(caught.value)
    if remedy.startswith(("CAST", "strptime")):
        con.execute(f"CREATE VIEW v AS SELECT * REPLACE ({remedy} AS event_time) FROM e")
        assert sqlscore.map_events(con, "v").profile.n_events == len(texts)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("log.xes", "--from xes"),
        ("log.XES.gz", "--from xes"),
        ("app.sqlite", "--attach app=FILE"),
        ("a.db", "--from ocel"),
    ],
)
def test_files_of_other_programs_are_answered_with_how_to_convert_them(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, name: str, remedy: str
) -> None:
    (tmp_path / name).write_text("<log/>", encoding="utf-8")
    with pytest.raises(SqlscoreError, match=remedy):
        sqlscore.map_events(con, str(tmp_path / name))


def test_a_nested_field_is_answered_with_a_view(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        """CREATE TABLE e AS SELECT {'distinct_id': 7} AS properties, TIMESTAMP '2024-01-01' AS event_time,
           'a' AS event_type"""
    )
    with pytest.raises(SqlscoreError, match=r"CREATE VIEW flat AS SELECT \*, properties\.distinct_id AS distinct_id"):
        sqlscore.map_events(con, "e", user_id="properties.distinct_id")


def test_repeated_events_are_not_advised_away(con: duckdb.DuckDBPyConnection) -> None:
    """Different events can look alike in the mapped columns: DISTINCT would delete them, an event id tells."""
    rows = "VALUES ('e1', 'a', 1), ('e1', 'a', 1), ('e2', 'a', 2), ('e3', 'a', 2)"
    con.execute(
        f"""CREATE TABLE e AS SELECT event_id, user_id, make_timestamp(2024, 1, s, 0, 0, 0) AS event_time,
            'ping' AS event_type FROM ({rows}) v(event_id, user_id, s)"""
    )
    (warning,) = [w for w in sqlscore.map_events(con, "e").warnings if "repeat" in w]
    assert '"event_id"' in warning
    assert "can look alike" in warning
    assert "event_id=... (--event-id C)" in warning
    assert "DISTINCT" not in warning
    con.execute("CREATE TABLE f AS SELECT * EXCLUDE (event_id) FROM e")
    (warning,) = [w for w in sqlscore.map_events(con, "f").warnings if "repeat" in w]
    assert "no column of the table is named like one" in warning


def test_ties_are_answered_with_a_way_to_say_the_order(con: duckdb.DuckDBPyConnection) -> None:
    """The alphabet is no order: a sequence number is one."""
    con.execute(
        """CREATE TABLE e AS SELECT i // 3 AS user_id, TIMESTAMP '2024-01-01' AS event_time,
           ['start', 'first', 'page'][1 + i % 3] AS event_type, i AS n FROM range(60) t(i)"""
    )
    (warning,) = [w for w in sqlscore.map_events(con, "e").warnings if "same user and time" in w]
    assert "order=... (--order C)" in warning
    assert not [w for w in sqlscore.map_events(con, "e", order="n", force=True).warnings if "same user" in w]
    paths = "SELECT DISTINCT path FROM sqlscore.paths(length := 3)"
    assert con.execute(paths).fetchall() == [(["start", "first", "page"],)]
