"""The error of a first mapping names the columns that probably say who, when and what."""

from __future__ import annotations

import shlex

import duckdb
import pytest
from command_line import run

import sqlscore
from sqlscore.errors import MappingError

TABLES = {
    "customer VARCHAR, ts BIGINT, what VARCHAR, amount DOUBLE": ("customer", "ts", "what"),
    "CustomerID INTEGER, InvoiceDate TIMESTAMP, action VARCHAR, Country VARCHAR": (
        "CustomerID",
        "InvoiceDate",
        "action",
    ),
    'user_id UUID, logged TIMESTAMPTZ, "event name" VARCHAR': ("user_id", "logged", "event name"),
    "id BIGINT, member_id BIGINT, created_at DATE, day DATE, activity ENUM ('a', 'b')": (
        "member_id",
        "created_at",
        "activity",
    ),
    "event VARCHAR, event_time TIMESTAMP, visitor VARCHAR, type VARCHAR": ("visitor", "event_time", "event"),
}


@pytest.mark.parametrize(("columns", "roles"), TABLES.items(), ids=[" ".join(roles) for roles in TABLES.values()])
def test_what_is_advised_maps_the_table(columns: str, roles: tuple[str, str, str]) -> None:
    """The advice is what one can append to the command."""
    con = sqlscore.connect()
    con.execute(f"CREATE TABLE log ({columns})")
    with pytest.raises(MappingError) as raised:
        sqlscore.map_events(con, "log")
    words = shlex.split(str(raised.value).partition("; perhaps ")[2])
    assert dict(zip(words[::2], words[1::2], strict=True)) == dict(
        zip(("--user-id", "--event-time", "--event-type"), roles, strict=True)
    )


@pytest.mark.parametrize(
    "columns",
    [
        "a VARCHAR, b TIMESTAMP, c VARCHAR",  # nothing says which
        "customer VARCHAR, first TIMESTAMP, second TIMESTAMP, event VARCHAR",  # two moments without a known name
        "customer DOUBLE, ts TIMESTAMP, event VARCHAR",  # no user is a DOUBLE
        "customer VARCHAR, ts TIMESTAMP",  # nothing is left for the action
    ],
)
def test_nothing_is_advised_where_names_and_types_do_not_tell(columns: str) -> None:
    """A wrong guess would be worse than none."""
    con = sqlscore.connect()
    con.execute(f"CREATE TABLE log ({columns})")
    with pytest.raises(MappingError, match=r"columns: .*\): pass [a-z_]+=\.\.\. \(--[a-z-]+\)$"):
        sqlscore.map_events(con, "log")


def test_a_role_that_was_named_rightly_stays(tmp_path) -> None:
    """One wrong name of three: the other two are kept in the advice, as they were asked for."""
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(path) as con:
        con.execute("CREATE TABLE log (buyer VARCHAR, customer VARCHAR, ts TIMESTAMP, event VARCHAR)")
    said = run("init", path, "--events", "log", "--user-id", "buyer", "--event-time", "time").stderr
    assert "; perhaps --user-id buyer --event-time ts --event-type event" in said
