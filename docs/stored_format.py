"""The lists of docs/stored-format.md, from a file that was just made: this script writes them anew."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

import sqlscore

PAGE = Path(__file__).with_name("stored-format.md")
BEGIN = "<!-- tables: written by docs/stored_format.py -->"
END = "<!-- end of tables -->"


def fresh() -> duckdb.DuckDBPyConnection:
    """A database in memory in which every table of sqlscore was made: scores, past ones, vectors, of labels, advice."""
    con = sqlscore.connect()
    con.execute(
        """CREATE TABLE events AS SELECT i % 120 AS user_id, TIMESTAMP '2024-01-01' + to_hours(i) AS event_time,
               ['view', 'cart', 'buy'][(i // 40) % 3 + 1] AS event_type FROM range(2400) t(i)"""
    )
    sqlscore.map_events(con, "events")
    sqlscore.train(con, architecture="markov")
    labels = """SELECT user_id, as_of, as_of + INTERVAL 10 DAY AS known_at, user_id % 2 = 0 AS label
                FROM (SELECT DISTINCT user_id FROM events),
                    (VALUES (TIMESTAMP '2024-03-01'), (TIMESTAMP '2024-03-20')) t(as_of)"""
    sqlscore.finetune(con, labels, name="even")
    sqlscore.backtest(con, model="even", include_seen=True)
    sqlscore.watch(con)
    sqlscore.refresh(con, keep_history=True, vectors=True)
    sqlscore.advise(con)
    sqlscore.assign(con, which="call", users="sqlscore.scored_users")
    return con


def tables(con: duckdb.DuckDBPyConnection) -> str:
    """Every table of schema sqlscore with its columns, in the words of their comments."""
    parts = []
    for name, comment in con.execute(
        "SELECT table_name, comment FROM duckdb_tables() WHERE schema_name = 'sqlscore' ORDER BY table_name"
    ).fetchall():
        rows = con.execute(
            """SELECT column_name, data_type, comment FROM duckdb_columns()
               WHERE schema_name = 'sqlscore' AND table_name = ? ORDER BY column_index""",
            [name],
        ).fetchall()
        lines = [f"| `{column}` | `{kind}` | {_cell(said)} |" for column, kind, said in rows]
        parts.append("\n".join([f"### {name}", "", comment or "", "", "| column | type | |", "|---|---|---|", *lines]))
    return "\n\n".join(parts)


def _cell(comment: str | None) -> str:
    return (comment or "").replace("|", "\\|")


def main() -> None:
    """Put the lists into the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    with fresh() as con:
        PAGE.write_text(f"{before}{BEGIN}\n\n{tables(con)}\n\n{END}{after}", encoding="utf-8")
    sys.stdout.write(f"{PAGE.name} is written\n")


if __name__ == "__main__":
    main()
