"""OCEL 2.0 logs in their three forms: the events of one type of objects, each once, in the order of the log."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from sqlscore.errors import MappingError
from sqlscore.mapping.process_logs.ocel_table import make_ocel_table
from sqlscore.simulation.ocel_file import write_ocel
from sqlscore.simulation.purchases import Purchases, linked_twice, simulate_purchases

FORMS = ("log.sqlite", "log.json", "log.xml")


@pytest.fixture(scope="module")
def purchases() -> Purchases:
    return simulate_purchases(120, seed=2)


@pytest.fixture(scope="module")
def folder(purchases: Purchases, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("logs")
    for form in FORMS:
        write_ocel(purchases, made / form)
    return made


def expected(purchases: Purchases, kind: str) -> list[tuple[object, ...]]:
    """The rows of all objects of a type, made from the planted links."""
    rows = purchases.events.to_pylist()
    events = {row["event_id"]: (place, row) for place, row in enumerate(rows)}
    of_kind = {row["object_id"] for row in purchases.objects.to_pylist() if row["object_type"] == kind}
    roles: dict[tuple[str, str], set[str]] = {}
    for link in purchases.links.to_pylist():
        if link["object_id"] in of_kind:
            roles.setdefault((link["object_id"], link["event_id"]), set()).add(link["qualifier"])
    made, positions = [], dict.fromkeys(of_kind, 0)
    for user, event in sorted(roles, key=lambda pair: events[pair[1]][0]):
        positions[user] += 1
        row = events[event][1]
        values = (row["clerk"], row["amount"], row["parcels"])
        qualifier = ", ".join(sorted(roles[user, event]))
        made.append((user, row["event_time"], row["event_type"], positions[user], event, qualifier, *values))
    return sorted(made, key=lambda row: (str(row[0]), row[3]))


@pytest.mark.parametrize("kind", ["orders", "items", "customers", "packages"])
@pytest.mark.parametrize("form", FORMS)
def test_the_planted_truth_is_recovered(
    con: duckdb.DuckDBPyConnection, folder: Path, purchases: Purchases, form: str, kind: str
) -> None:
    """Users, events, times, order, attributes and qualifiers, from every form; whatever the session's time zone."""
    con.execute("SET TimeZone = 'Asia/Tokyo'")
    make_ocel_table(con, folder / form, "log", kind)
    columns = "user_id, event_time, event_type, position, event_id, qualifier, clerk, amount, parcels"
    assert con.execute(f"SELECT {columns} FROM log ORDER BY user_id, position").fetchall() == expected(purchases, kind)


@pytest.mark.parametrize("form", FORMS)
def test_what_the_rules_did_is_counted(
    con: duckdb.DuckDBPyConnection, folder: Path, purchases: Purchases, form: str
) -> None:
    """Repeated links, events of several users, and events of none."""
    orders = " ".join(make_ocel_table(con, folder / form, "log", "orders").remarks)
    customers = " ".join(make_ocel_table(con, folder / form, "log", "customers").remarks)
    n_repeated = [int(said.partition(" links repeat")[0].split()[-1]) for said in (orders, customers)]
    assert sum(n_repeated) == linked_twice(purchases)
    assert all(n_repeated)
    rows, events = len(expected(purchases, "orders")), purchases.events.num_rows
    assert f"{rows:,} rows are {events:,} events of 120 orders" in orders
    left = events - len({row[4] for row in expected(purchases, "customers")})
    assert f"{left:,} of {events:,} events have no object of type customers, and are left out" in customers
    assert ("do not say their offset" in orders) == (form == "log.sqlite")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("asked", [None, "Orders"])
def test_without_a_type_the_types_are_listed(
    con: duckdb.DuckDBPyConnection, folder: Path, purchases: Purchases, form: str, asked: str | None
) -> None:
    """Whose events they are is not for the file to say."""
    with pytest.raises(MappingError, match="--object-type") as refused:
        make_ocel_table(con, folder / form, "log", asked)
    for kind in ("orders", "items", "packages", "customers"):
        rows = expected(purchases, kind)
        n_objects = purchases.objects["object_type"].to_pylist().count(kind)
        assert f"{kind}: {n_objects:,} objects, {len(rows):,} events" in str(refused.value)


@pytest.mark.parametrize("form", FORMS)
def test_times_are_read_to_the_microsecond(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, purchases: Purchases, form: str
) -> None:
    """Cut to seconds, as some writers do, events that follow each other closely would share a time."""
    con.execute("SET TimeZone = 'UTC'")
    column = purchases.events.schema.get_field_index("event_time")
    field = purchases.events.schema.field(column)
    times = [time + timedelta(microseconds=1 + n) for n, time in enumerate(purchases.events["event_time"].to_pylist())]
    events = purchases.events.set_column(column, field, pa.array(times, field.type))
    write_ocel(replace(purchases, events=events), tmp_path / form)
    make_ocel_table(con, tmp_path / form, "log", "orders")
    of_events = dict(zip(events["event_id"].to_pylist(), times, strict=True))
    read = con.execute("SELECT DISTINCT event_id, event_time FROM log").fetchall()
    assert read
    assert read == [(event, of_events[event]) for event, _ in read]


def test_the_log_is_opened_for_reading_only(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """SQLite would make files beside it, and what another program is writing would not be seen."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    make_ocel_table(con, folder / "log.sqlite", "log", "orders")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_what_is_only_in_the_write_ahead_log_counts(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, purchases: Purchases
) -> None:
    """A database that is being written has its newest rows there."""
    write_ocel(purchases, tmp_path / "log.sqlite")
    with closing(sqlite3.connect(tmp_path / "log.sqlite")) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("INSERT INTO object VALUES ('o-new', 'orders')")
        writer.execute("INSERT INTO event_object VALUES ('e1', 'o-new', '')")
        writer.commit()
        make_ocel_table(con, tmp_path / "log.sqlite", "log", "orders")
    assert con.execute("SELECT event_id, qualifier FROM log WHERE user_id = 'o-new'").fetchall() == [("e1", None)]


@pytest.mark.parametrize("size", [1, 7, 64])
def test_json_is_read_in_pieces_of_any_size(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Where a piece ends, a number, a word or a character of several bytes may go on."""
    monkeypatch.setattr("sqlscore.mapping.process_logs.json_pieces._PIECE", size)
    attributes = [
        {"name": "n", "value": -12.5e3},
        {"name": "b", "value": True},
        {"name": "s", "value": "\u00fc \U0001f600"},
    ]
    event = {"id": "e1", "type": "t", "time": "2025-01-06T10:00:00+01:00", "attributes": attributes}
    event["relationships"] = [{"objectId": "o1"}]
    document = {"x": 12, "events": [event], "empty": [], "objects": [{"id": "o1", "type": "T"}], "y": None}
    (tmp_path / "log.json").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8-sig")
    make_ocel_table(con, tmp_path / "log.json", "log", "T")
    assert con.execute("SELECT event_time::VARCHAR, n, b, s FROM log").fetchall() == [
        ("2025-01-06 09:00:00", -12500.0, True, "\u00fc \U0001f600")
    ]


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_is_cut_short_is_refused(
    con: duckdb.DuckDBPyConnection, folder: Path, tmp_path: Path, form: str
) -> None:
    """And leaves what was there."""
    con.execute("CREATE TABLE log AS SELECT 1 AS before")
    (tmp_path / form).write_bytes((folder / form).read_bytes()[:20_000])
    with pytest.raises(MappingError, match="(ends too early|cut short).*[Cc]opy"):
        make_ocel_table(con, tmp_path / form, "log", "orders")
    assert con.execute("FROM log").fetchall() == [(1,)]


WRONG = {
    "text": (b"case,activity\n", "no OCEL 2.0 log, which is a SQLite database, JSON or XML"),
    "xes": (b"<log><trace/></log>", "XES, not OCEL.*--from xes"),
    "html": (b"<html/>", "whose first element is <log>, but has <html>"),
    "version 1 json": (b'{"ocel:events": {}}', "OCEL log of version 1"),
    "version 1 xml": (
        b'<log><global scope="event"><string key="ocel:activity" value="x"/></global></log>', "OCEL log of version 1"
    ),
    "other json": (b'{"a": 1}', 'has no "objects", or an empty one.*keys: "a"'),
    "no id": (b'{"objects": [{"type": "T"}]}', "lacks what the format has.*KeyError: 'id'"),
    "no id xml": (b'<log><events><event type="t"/></events></log>', 'an <event> has no "id"'),
    "no links": (
        b'{"objects": [{"id": "o", "type": "T"}], "events": [{"id": "e", "type": "t", "time": "2025-01-06"}]}',
        "has no links",
    ),
    "two ids": (
        b'{"objects": [{"id": "o", "type": "T"}], "events": [%s, %s]}'
        % ((b'{"id": "e", "type": "t", "time": "2025-01-06", "relationships": [{"objectId": "o"}]}',) * 2),
        "2 events with the id 'e'",
    ),
    "not json": (b'{"objects": [{"id": "o" "type": "T"}]}', "damaged or ends too early"),
    "entities": (b'<!DOCTYPE log [<!ENTITY one "x">]><log/>', "declares a document type"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "words"), WRONG.values(), ids=WRONG)
def test_what_is_no_log_is_refused_with_what_was_found(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "log").write_bytes(content)
    with pytest.raises(MappingError, match=words):
        make_ocel_table(con, tmp_path / "log", "log", "T")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ("CREATE TABLE clicks (a)", 'has no table "event" .tables: clicks'),
        ('CREATE TABLE events ("ocel:eid"); CREATE TABLE relations (a)', "OCEL log of version 1"),
        ("DROP TABLE event_PayOrder", 'names the table "event_PayOrder".*there is none'),
        (
            "ALTER TABLE event_object RENAME COLUMN ocel_object_id TO o",
            'table "event_object" has no column "ocel_object_id"',
        ),
    ],
)
def test_a_database_that_is_no_log_is_told_what_is_missing(
    con: duckdb.DuckDBPyConnection, folder: Path, tmp_path: Path, made: str, words: str
) -> None:
    path = tmp_path / "log.sqlite"
    if "CREATE" not in made:
        path.write_bytes((folder / "log.sqlite").read_bytes())
    with closing(sqlite3.connect(path)) as writer:
        writer.executescript(made)
    with pytest.raises(MappingError, match=words):
        make_ocel_table(con, path, "log", "orders")
