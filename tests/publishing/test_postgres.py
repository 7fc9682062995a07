"""Publishing to a real PostgreSQL: what changes there, what stays, and what a failure leaves behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import duckdb
import psycopg
import pytest
from postgres_server import PASSWORD, Postgres

import sqlscore
from sqlscore.errors import PublishError

SCORES = ["scored_users", "scored_sessions"]


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)


@pytest.fixture
def schema(request: pytest.FixtureRequest) -> str:
    """A schema on the server for one test alone."""
    return str(request.node.name)[:50]


@pytest.fixture
def publish(
    shop: duckdb.DuckDBPyConnection, postgres: Postgres, schema: str
) -> Callable[..., sqlscore.publishing.PublishReport]:
    """Publish tables of the refreshed shop into the test's schema."""
    sqlscore.refresh(shop)

    def run(*tables: str) -> sqlscore.publishing.PublishReport:
        return sqlscore.publish(shop, postgres.url, tables=tables or SCORES, schema=schema)

    return run


def test_scores_arrive_as_they_are(shop, postgres, publish, schema):
    """What an analyst reads on the server is what is in the file."""
    report = publish()
    columns = "user_id, next_action, next_action_probability, churn_risk, as_of, scored_at"
    there = postgres.rows(f'SELECT {columns} FROM "{schema}".scored_users ORDER BY user_id')
    here = shop.execute(f"SELECT {columns} FROM sqlscore.scored_users ORDER BY user_id").fetchall()
    assert [row[:2] + row[4:] for row in there] == [row[:2] + row[4:] for row in here]
    assert [row[2:4] for row in there] == [pytest.approx(row[2:4], abs=1e-7) for row in here]
    assert {name: table.rows for name, table in report.tables.items()} == {"scored_users": 40, "scored_sessions": 200}


def test_without_a_list_everything_for_dashboards_is_published(shop, postgres, schema):
    """`--to` alone is enough."""
    sqlscore.refresh(shop)
    report = sqlscore.publish(shop, postgres.url, schema=schema)
    assert {"scored_users", "segment_summary", "transitions", "cohort_retention"} <= set(report.tables)
    assert postgres.rows(f'SELECT sum(n_users) FROM "{schema}".segment_summary') == [(40,)]


def test_lists_of_structs_become_columns_that_can_be_charted(postgres, publish, schema):
    """A BI tool sums a column; it cannot look into JSON."""
    publish("scored_users")
    query = f"""SELECT next_action_1 = next_actions -> 0 ->> 'action',
                       abs(next_action_2_probability - (next_actions -> 1 ->> 'probability')::real) < 1e-6,
                       jsonb_array_length(next_actions) FROM "{schema}".scored_users LIMIT 1"""
    assert postgres.rows(query) == [(True, True, 3)]


def test_what_others_made_of_the_tables_stays(shop, postgres, publish, schema):
    """Views, grants, indexes and comments are the BI team's work: a nightly job must not undo it."""
    publish()
    table = f'"{schema}".scored_users'
    postgres.run(
        "DO $$ BEGIN CREATE ROLE reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        f"GRANT SELECT ON {table} TO reader",
        f"CREATE INDEX by_risk ON {table} (churn_risk)",
        f"COMMENT ON COLUMN {table}.churn_risk IS 'our own words'",
        f'CREATE VIEW "{schema}".risky AS SELECT user_id, as_of FROM {table} WHERE churn_risk > 0',
        f"ALTER TABLE {table} ADD COLUMN note text DEFAULT 'call'",
    )
    made = f"""SELECT '{table}'::regclass::oid, has_table_privilege('reader', '{table}', 'SELECT'),
                      (SELECT count(*) FROM pg_indexes WHERE schemaname = '{schema}' AND tablename = 'scored_users'),
                      col_description('{table}'::regclass, 8),
                      obj_description('{table}'::regclass) LIKE 'One row per%'"""
    before = postgres.rows(made)
    shop.execute("INSERT INTO clicks VALUES (5, '2024-03-01', 'view', 1)")
    sqlscore.refresh(shop)
    publish()
    assert postgres.rows(made) == before == [(before[0][0], True, 2, "our own words", True)]
    fresh = postgres.rows(f'SELECT count(*), min(as_of)::text, max(note) FROM "{schema}".risky NATURAL JOIN {table}')
    assert fresh == [(40, "2024-03-01 00:00:00", "call")]


def test_only_rows_that_changed_are_written(shop, postgres, publish, schema):
    """A large table costs what changed in it: one session of 200."""
    publish()
    rows = f'SELECT user_id, session_id, xmin::text FROM "{schema}".scored_sessions'
    before = set(postgres.rows(rows))
    shop.execute("UPDATE sqlscore.scored_sessions SET churn_risk = 0.5 WHERE user_id = 7 AND session_id = 2")
    shop.execute("DELETE FROM sqlscore.scored_sessions WHERE user_id = 8 AND session_id = 1")
    shop.execute(
        "INSERT INTO sqlscore.scored_sessions BY NAME SELECT * REPLACE (99 AS session_id) "
        "FROM sqlscore.scored_sessions WHERE user_id = 9 AND session_id = 1"
    )
    assert publish().tables["scored_sessions"].changed == 3
    after = set(postgres.rows(rows))
    assert {row[:2] for row in before - after} == {(7, 2), (8, 1)}
    assert {row[:2] for row in after - before} == {(7, 2), (9, 99)}
    assert publish().tables["scored_sessions"].changed == 0
    postgres.run(f'UPDATE "{schema}".scored_sessions SET churn_risk = 0 WHERE user_id = 7')
    assert publish().tables["scored_sessions"].changed == 5


def test_new_and_gone_columns_follow_the_source(shop, postgres, publish, schema):
    """A later version has another column: the table gets it, and keeps being the same table."""
    shop.execute("CREATE TABLE mine AS SELECT 1 AS a, 'x' AS gone, 2 AS wider")
    publish("mine")
    oid = postgres.rows(f"""SELECT '"{schema}".mine'::regclass::oid""")
    shop.execute("CREATE OR REPLACE TABLE mine AS SELECT 1 AS a, 'no number' AS wider, [1, 2] AS fresh")
    publish("mine")
    assert postgres.rows(f"SELECT a, wider, fresh, to_jsonb(m) ? 'gone' FROM \"{schema}\".mine m") == [
        (1, "no number", [1, 2], False)
    ]
    assert postgres.rows(f"""SELECT '"{schema}".mine'::regclass::oid""") == oid


def test_a_column_that_a_view_reads_is_not_taken_away(shop, postgres, publish, schema):
    """Better no news than a dashboard that breaks: the message names the view and says what to do."""
    shop.execute("CREATE TABLE mine AS SELECT 1 AS a, 'x' AS gone")
    publish("mine")
    postgres.run(f'CREATE VIEW "{schema}".reads_it AS SELECT gone FROM "{schema}".mine')
    shop.execute("CREATE OR REPLACE TABLE mine AS SELECT 2 AS a")
    with pytest.raises(PublishError, match=r'(?s)column "gone".*reads_it.*make it again'):
        publish("mine")
    assert postgres.rows(f'SELECT a, gone FROM "{schema}".mine') == [(1, "x")]


def test_a_table_or_column_of_somebody_else_is_left_alone(shop, postgres, publish, schema):
    """Publishing over a table that only has the same name would destroy it."""
    postgres.run(f'CREATE SCHEMA "{schema}"', f'CREATE TABLE "{schema}".scored_users (precious int)')
    with pytest.raises(PublishError, match="did not make"):
        publish()
    assert postgres.rows(f"SELECT count(*) FROM pg_tables WHERE schemaname = '{schema}'") == [(1,)]
    shop.execute("CREATE TABLE mine AS SELECT 1 AS a")
    publish("mine")
    postgres.run(f'ALTER TABLE "{schema}".mine ADD COLUMN b text')
    shop.execute("CREATE OR REPLACE TABLE mine AS SELECT 1 AS a, 2 AS b")
    with pytest.raises(PublishError, match='column "b" of your own'):
        publish("mine")


def on_insert(postgres: Postgres, schema: str, table: str, does: str) -> None:
    """A trigger that does something in the middle of a publication, when old rows are already deleted."""
    postgres.run(
        f"""CREATE FUNCTION "{schema}".strike() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN {does}; RETURN NEW; END $$""",
        f'''CREATE TRIGGER strike BEFORE INSERT ON "{schema}"."{table}"
            FOR EACH ROW EXECUTE FUNCTION "{schema}".strike()''',
    )


def test_a_lost_connection_leaves_the_old_tables(shop, postgres, publish, schema):
    """The backend is killed after the old rows of the last table are deleted: all tables are as they were."""
    publish()
    on_insert(postgres, schema, "scored_sessions", "PERFORM pg_terminate_backend(pg_backend_pid())")
    shop.execute("INSERT INTO clicks VALUES (5, '2024-03-01', 'view', 1), (99, '2024-03-01', 'view', 1)")
    sqlscore.refresh(shop, full=True)
    with pytest.raises(PublishError, match=r"(?s)terminat.*as they were"):
        publish()
    query = f'SELECT count(*), max(as_of)::text FROM "{schema}".'
    assert postgres.rows(f"{query}scored_users") == [(40, "2024-01-01 04:00:00")]
    assert postgres.rows(f"{query}scored_sessions")[0][0] == 200
    runs = shop.execute(
        "SELECT status, message FROM sqlscore.runs WHERE verb = 'publish' ORDER BY started_at"
    ).fetchall()
    assert [status for status, _ in runs] == ["ok", "failed"]
    assert PASSWORD not in runs[1][1]
    postgres.run(f'DROP TRIGGER strike ON "{schema}".scored_sessions')
    assert publish().tables["scored_users"].rows == 41


def test_what_does_not_arrive_as_it_was_sent_is_not_published(shop, postgres, publish, schema):
    """A trigger that rounds is found by the checksums, before anybody sees the rows."""
    publish()
    on_insert(postgres, schema, "scored_users", "NEW.churn_risk := round(NEW.churn_risk::numeric, 1)")
    before = postgres.rows(f'SELECT user_id, churn_risk FROM "{schema}".scored_users ORDER BY user_id')
    shop.execute("INSERT INTO clicks VALUES (5, '2024-01-01 12:00', 'view', 1)")
    sqlscore.refresh(shop)
    with pytest.raises(PublishError, match=r"(?s)scored_users did not arrive.*checksums.*trigger"):
        publish()
    assert postgres.rows(f'SELECT user_id, churn_risk FROM "{schema}".scored_users ORDER BY user_id') == before


def test_two_publications_at_once_come_one_after_the_other(shop, publish):
    """A schedule and a person who does not wait for it: both work."""
    with ThreadPoolExecutor(2) as pool:
        for publication in [pool.submit(publish) for _ in range(2)]:
            publication.result(60)
    assert shop.execute("SELECT count(*) FROM sqlscore.runs WHERE verb = 'publish'").fetchall() == [(2,)]


def test_repeated_publications_do_not_fill_the_disk(shop, postgres, publish, schema):
    """Every publication leaves the old rows' space to the next ones."""
    shop.execute("CREATE TABLE mine AS SELECT i, 'some text' AS t FROM range(5000) r(i)")
    sizes = []
    for _ in range(6):
        publish("mine")
        sizes.append(postgres.rows(f"""SELECT pg_total_relation_size('"{schema}".mine')""")[0][0])
    assert max(sizes) <= 2.5 * sizes[0]


def test_publications_say_what_is_how_old(postgres, publish, schema):
    """A dashboard shows how fresh it is."""
    publish()
    rows = postgres.rows(f'SELECT table_name, n_rows, model, as_of::text FROM "{schema}".publications ORDER BY 1')
    assert [row[:3] for row in rows] == [("scored_sessions", 200, "tiny@1"), ("scored_users", 40, "tiny@1")]
    assert rows[1][3] == "2024-01-01 04:00:00"


def test_a_role_that_may_only_use_its_schema_publishes(shop, postgres, publish, schema):
    """Nobody gives a nightly job the whole database."""
    publish()
    postgres.run(
        f"CREATE ROLE publisher LOGIN PASSWORD '{PASSWORD}'",
        f'ALTER SCHEMA "{schema}" OWNER TO publisher',
        *(f'ALTER TABLE "{schema}".{table} OWNER TO publisher' for table in [*SCORES, "publications"]),
    )
    url = postgres.url.replace("postgres@", "publisher@")
    assert sqlscore.publish(shop, url, tables=SCORES, schema=schema).tables["scored_users"].rows == 40
    with pytest.raises(PublishError, match="permission denied"):
        sqlscore.publish(shop, url, tables=SCORES, schema="not_there")


def test_names_of_any_kind_are_quoted(shop, postgres, publish, schema):
    """Quotes, dots and upper case are names like others."""
    shop.execute("""CREATE TABLE "My ""odd"". table;" AS SELECT 1 AS "a""b", 'x' AS "SELECT" """)
    publish('My "odd". table;')
    publish('My "odd". table;')
    assert postgres.rows(f'SELECT "a""b", "SELECT" FROM "{schema}"."My ""odd"". table;"') == [(1, "x")]


def test_a_name_that_postgresql_would_cut_is_refused(shop, publish):
    """64 bytes are one too many, and two names cut to the same one would be one column."""
    shop.execute(f"CREATE VIEW {'v' * 64} AS SELECT 1 AS a")
    shop.execute(f"CREATE VIEW v AS SELECT 1 AS {'ä' * 32}")
    for view in ("v" * 64, "v"):
        with pytest.raises(PublishError, match="64 bytes.*63"):
            publish(view)


def test_a_publication_of_nothing_is_an_error(publish):
    """A typing error is not an empty success."""
    with pytest.raises(PublishError, match=r'no table or view "scored_user" .* scored_users'):
        publish("scored_user")
    with pytest.raises(PublishError, match="publications"):
        publish("scored_users", "publications")


def test_a_failing_view_names_itself(shop, publish):
    """Before there is a model, the views cannot be read: the message says which and what to do."""
    shop.execute("CREATE VIEW broken AS SELECT error('no model yet: run sqlscore train') AS a")
    with pytest.raises(PublishError, match=r"(?s)broken cannot be read.*sqlscore train"):
        publish("broken")


@pytest.mark.slow
def test_readers_never_see_half_a_publication(shop, postgres, publish, schema):
    """Four readers look at two tables in one statement while 8 publications go by: rows and moments are uniform."""
    publish()
    query = f"""SELECT (SELECT count(*) FROM "{schema}".scored_users),
                       (SELECT count(DISTINCT as_of) FROM "{schema}".scored_users),
                       (SELECT max(as_of) FROM "{schema}".scored_users)
                       = (SELECT max(as_of) FROM "{schema}".scored_segments)"""
    publish("scored_users", "scored_segments")
    stop, seen = threading.Event(), [0]
    failures: list[object] = []

    def read() -> None:
        try:
            with psycopg.connect(postgres.socket_url, autocommit=True) as connection:
                while not stop.is_set():
                    row = connection.execute(query).fetchone()
                    seen[0] += 1
                    if row != (40, 1, True):
                        failures.append(row)
        except psycopg.Error as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for day in range(1, 9):
        shop.execute("INSERT INTO clicks SELECT 5, TIMESTAMP '2024-02-01' + to_days($1), 'view', 1", [day])
        sqlscore.refresh(shop)
        publish("scored_users", "scored_segments")
    stop.set()
    for reader in readers:
        reader.join(30)
    assert failures == []
    assert seen[0] > 8
