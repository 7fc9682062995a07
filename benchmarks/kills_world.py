"""What benchmarks/kills.py kills commands on: small files in four states, and what is in a file."""

from __future__ import annotations

import hashlib
import io
import warnings
import zipfile
from pathlib import Path
from typing import Any, Literal

import duckdb

import sqlscore
from sqlscore.quoting import identifier, literal, qualified

World = Literal["bare", "mapped", "scored", "changed"]
OUTPUTS = {"parquet": "bi", "duckdb": "bi.duckdb"}
LABELS = """SELECT user_id, TIMESTAMP '2024-02-01' + to_days(CAST(user_id % 20 AS INTEGER)) AS as_of,
    user_id % 3 = 0 AS label FROM (SELECT DISTINCT user_id FROM events)"""

_USERS = 150
_EVENTS = """SELECT i % ? AS user_id,
    TIMESTAMP '2024-01-01' + to_seconds(CAST(i * 1800 + hash(i) % 1800 AS BIGINT)) AS event_time,
    ['view', 'cart', 'buy', 'search', 'help'][1 + CAST(hash(i, i % 7) % 5 AS INTEGER)] AS event_type,
    CAST(hash(i, 2) % 100 AS DOUBLE) AS price FROM range(?, ?) t(i)"""
_LOGS = ("runs", "event_profiles", "meta")
_OF_THE_CLOCK = (
    "since",
    "until",
    "seconds",
    "details",
    "checksum",
    "sha256",
    "artifact",
    "manifest",
    "metrics",
    "report",
)


def make_worlds(folder: Path) -> None:
    """A file of each state, every one in a folder of its own."""
    warnings.simplefilter("ignore")
    for world in ("bare", "mapped", "scored", "changed"):
        (folder / world).mkdir(parents=True)
        with sqlscore.connect(folder / world / "shop.duckdb", threads=1) as con:
            con.execute(f"CREATE TABLE events AS {_EVENTS}", [_USERS, 0, 3_000])
        if world == "bare":
            (folder / world / "shop.duckdb").unlink()
            with duckdb.connect(str(folder / world / "shop.duckdb")) as con:
                con.execute(f"CREATE TABLE events AS {_EVENTS}", [_USERS, 0, 3_000])
            continue
        with sqlscore.connect(folder / world / "shop.duckdb", threads=1) as con:
            sqlscore.map_events(con, "events", features=["price"])
            con.execute("UPDATE sqlscore.guards SET outcome = 'note'")
            if world == "mapped":
                continue
            for _ in range(2):
                sqlscore.train(con, architecture="markov", promote=True)
            sqlscore.refresh(con, keep_history=True)
            if world == "changed":
                con.execute(f"INSERT INTO events SELECT * FROM ({_EVENTS}) WHERE user_id < 12", [_USERS, 3_000, 3_300])


def contents(place: Path, database: str) -> dict[str, Any]:
    """Every table of the file and of what was published: its number of rows, and a hash of what no clock decides."""
    with sqlscore.connect(place / database, threads=1) as con:
        found = _tables(con) | {"weights": _weights(con)}
    published = place / OUTPUTS["duckdb"]
    if published.exists():
        with duckdb.connect(str(published), read_only=True) as con:
            found |= {f"published {name}": value for name, value in _tables(con).items()}
    folder = place / OUTPUTS["parquet"]
    if folder.exists():
        with duckdb.connect() as con:
            for table in sorted(path for path in folder.iterdir() if path.is_dir()):
                con.execute(
                    f"CREATE VIEW {identifier(table.name)} AS FROM read_parquet({literal(f'{table}/*.parquet')})"
                )
                found[f"published {table.name}"] = _hash(con, identifier(table.name))
    return found


def _tables(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    tables = con.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal AND NOT temporary AND "
        "database_name = current_database() ORDER BY ALL"
    ).fetchall()
    return {f"{schema}.{name}": _hash(con, qualified(schema, name)) for schema, name in tables if name not in _LOGS}


def _hash(con: duckdb.DuckDBPyConnection, table: str) -> list[Any]:
    columns = [row[0] for row in con.execute(f"DESCRIBE {table}").fetchall()]
    timed = [c for c in columns if c.endswith(("_at", "_per_second")) or any(part in c for part in _OF_THE_CLOCK)]
    kept = [c for c in columns if c not in timed]
    row = con.execute(
        f"SELECT count(*), CAST(sum(hash({', '.join(map(identifier, kept))})) AS VARCHAR) FROM {table}"
    ).fetchone()
    assert row is not None
    return list(row)


def _weights(con: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Hashes of the numbers of every model; its manifest notes how long it took, and which trials there were."""
    if ("sqlscore", "models") not in con.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall():
        return {}
    rows = con.execute("SELECT name || '@' || version, artifact FROM sqlscore.models ORDER BY ALL").fetchall()
    found = {}
    for label, artifact in rows:
        with zipfile.ZipFile(io.BytesIO(artifact)) as files:
            numbers = [name for name in files.namelist() if name not in ("manifest.json", "judged.zip")]
            found[label] = [hashlib.sha256(files.read(name)).hexdigest() for name in numbers]
    return found
