"""MySQL's protocol with real clients: what is answered, what is refused and how, and that values stay values."""

from __future__ import annotations

import json
import shutil
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pymysql
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mysql_client import HOST, Prepared, Server, serving
from pymysql.constants import COMMAND
from soak_parts import wait_for

import sqlscore
from sqlscore.guarded_sql.connection import Guarded
from sqlscore.mysql import refusals

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
HARMLESS = {"BEGIN", "COMMIT", "ROLLBACK", "START", "USE", "SHOW", "--", "/*"}  # of MySQL: they change nothing
HOSTILE = (Path(__file__).parents[1] / "guarded_sql" / "hostile.sql").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def file(shop_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop with scores, and a table that has a key and comments."""
    path = Path(shutil.copy(shop_file, tmp_path_factory.mktemp("mysql") / "shop.duckdb"))
    with sqlscore.connect(path) as con:
        sqlscore.refresh(con)
        con.execute("CREATE TABLE kinds (id INTEGER PRIMARY KEY, `name` VARCHAR NOT NULL)".replace("`", '"'))
        con.execute("INSERT INTO kinds VALUES (1, 'it''s'), (2, 'ü')")
    return path


@pytest.fixture(scope="module")
def server(file: Path) -> Iterator[Server]:
    with serving(file) as running:
        yield running


@pytest.fixture(scope="module")
def con(server: Server) -> Iterator[pymysql.connections.Connection]:
    with server.connect() as opened:
        yield opened


@pytest.fixture(scope="module")
def here(server: Server, file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The same file in this process."""
    with Guarded(file, device="cpu") as guarded:
        yield guarded.cursor()


def test_scores_are_those_of_sql(server: Server, here: duckdb.DuckDBPyConnection):
    """Over an alias of the table, with GROUP BY, in MySQL's quotes."""
    theirs = server.ask(
        "SELECT `client id`, predict_next_action(e), churn_risk(e), predict_next_actions(e, k := 2) "
        "FROM clicks AS e GROUP BY `client id` ORDER BY 1 LIMIT 5, 10"
    )
    ours = here.execute(
        'SELECT "client id", predict_next_action(e), churn_risk(e), predict_next_actions(e, k := 2) '
        'FROM clicks AS e GROUP BY "client id" ORDER BY 1 LIMIT 10 OFFSET 5'
    ).fetchall()
    assert len(theirs) == 10
    for got, want in zip(theirs, ours, strict=True):
        assert got[:2] == want[:2]
        assert struct.pack("<f", got[2]) == struct.pack("<f", want[2])
        assert json.loads(got[3]) == json.loads(json.dumps(want[3]))


VALUES = """
    SELECT CAST(-5 AS SIGNED), CAST(18446744073709551615 AS UNSIGNED), CAST('1.50' AS DECIMAL(5, 2)), 0.1E0, TRUE,
           NULL, 'ü', CAST('2024-02-03' AS DATE), CAST('2024-02-03 04:05:06.000007' AS DATETIME), X'00FF'
"""


def test_values_come_as_they_are(con: pymysql.connections.Connection):
    """In the text protocol and in the binary one."""
    with con.cursor() as cursor:
        cursor.execute(VALUES)
        text = cursor.fetchall()[0]
    assert text == (
        -5, 18446744073709551615, Decimal("1.50"), 0.1, 1, None, "ü", date(2024, 2, 3),
        datetime(2024, 2, 3, 4, 5, 6, 7), b"\x00\xff",
    )  # fmt: skip
    binary = Prepared.of(con, VALUES).ask()[0]
    assert binary[:7] == (-5, 18446744073709551615, b"1.50", 0.1, 1, None, "ü".encode())
    assert binary[7] == struct.pack("<HBB", 2024, 2, 3)
    assert binary[8] == struct.pack("<HBBBBBI", 2024, 2, 3, 4, 5, 6, 7)
    assert binary[9] == b"\x00\xff"


def test_numbers_that_mysql_has_not_are_null(server: Server):
    assert server.ask("SELECT EXP(1000), -EXP(1000), SUM(a) FROM (SELECT 'nan' + 0.0E0 AS a) t WHERE FALSE") == (
        (None,) * 3,
    )


@settings(max_examples=150)
@given(TEXTS, st.integers(-(2**63), 2**63 - 1), st.none() | TEXTS)
@example("' OR 1 = 1 -- ", 1, "?")
@example("\\' UNION SELECT 1, 2, 3, 4 #", 2, '%s ? ` "')
def test_no_value_changes_a_statement(con, text: str, number: int, other: str | None):
    """Values of a prepared statement, and those that pymysql writes into the text: they come back, in one row."""
    want = [(text, number, other, 1)]
    prepared = Prepared.of(con, "SELECT ? AS a, ?, ?, (SELECT COUNT(*) FROM kinds WHERE id = 1 AND name <> ?) AS `n?`")
    assert prepared.count == 4
    got = prepared.ask(text, number, other, "?")
    assert [(row[0].decode(), row[1], None if row[2] is None else row[2].decode(), row[3]) for row in got] == want
    con._execute_command(COMMAND.COM_STMT_CLOSE, struct.pack("<I", prepared.number))
    with con.cursor() as cursor:
        cursor.execute(
            "SELECT %s AS a, %s, %s, (SELECT COUNT(*) FROM kinds WHERE id = 1 AND name <> '?')", (text, number, other)
        )
        assert [*cursor.fetchall()] == want


@pytest.mark.parametrize(
    ("sql", "code", "says"),
    [
        ("SELEC 1", refusals.SYNTAX, "cannot be read"),
        ("", refusals.EMPTY, "empty"),
        ("SELECT * FROM nowhere", refusals.NO_SUCH_TABLE, 'no table "nowhere"'),
        ("SELECT nothing FROM kinds", refusals.UNKNOWN_COLUMN, "nothing"),
        ("SELECT read_text('x')", refusals.FUNCTION_DENIED, "read_text"),
        ("SELECT LOAD_FILE('x')", refusals.FUNCTION_DENIED, "load_file"),
        ("SELECT 1 INTO OUTFILE 'x'", refusals.SYNTAX, "cannot be read"),
        ("INSERT INTO kinds VALUES (3, 'c')", refusals.READ_ONLY, "INSERT"),
        ("DELETE FROM kinds", refusals.READ_ONLY, "DELETE"),
        ("CREATE TABLE t (a INT)", refusals.READ_ONLY, "CREATE"),
        ("TRUNCATE TABLE kinds", refusals.READ_ONLY, "TRUNCATE"),
        ("LOAD DATA INFILE 'x' INTO TABLE kinds", refusals.SYNTAX, "cannot be read"),
        ("CALL f()", refusals.READ_ONLY, "CALL"),
        ("SELECT CAST(name AS SIGNED) FROM kinds", refusals.WRONG_VALUE, "Could not convert"),
        ("SELECT @@nothing", refusals.UNKNOWN_VARIABLE, "nothing"),
        ("SET nothing = 1", refusals.UNKNOWN_VARIABLE, "nothing"),
        ("SET GLOBAL autocommit = 1", refusals.SPECIAL_RIGHT_NEEDED, "session"),
        ("SET time_zone = '+02:00'", refusals.UNKNOWN_TIME_ZONE, "UTC"),
        ("SET sql_mode = 'ANSI_QUOTES'", refusals.WRONG_VALUE_OF_VARIABLE, "ANSI_QUOTES"),
        ("SET @a = 1", refusals.NOT_SUPPORTED, "no variables of users"),
        ("USE nowhere", refusals.UNKNOWN_DATABASE, "main"),
        ("KILL 123456", refusals.NO_SUCH_THREAD, "SHOW PROCESSLIST"),
        ("SHOW CREATE TABLE nowhere", refusals.NO_SUCH_TABLE, "nowhere"),
    ],
)  # fmt: skip
def test_errors_have_mysqls_number_and_a_reason(server: Server, sql: str, code: int, says: str):
    found, text = server.refused(sql)
    assert (found, says in text) == (code, True), text


def test_hostile_statements_do_nothing(server: Server, file: Path):
    """What the guard refuses is refused here too, however MySQL's parser reads it; the engine behind is closed."""
    with server.connect() as con, con.cursor() as cursor:
        for sql in HOSTILE:
            try:
                cursor.execute(sql)
            except pymysql.MySQLError:
                continue
            rows = str(cursor.fetchall())
            assert "swordfish" not in rows
            assert sql.split()[0].upper() in HARMLESS, sql
        cursor.execute("SELECT COUNT(*) FROM main.kinds")
        assert cursor.fetchall() == ((2,),)


def test_a_wrong_password_runs_nothing(server: Server):
    """Also for a client that goes on as if it had been let in."""
    with pytest.raises(pymysql.err.OperationalError, match="Access denied") as refused:
        server.connect(password="wrong")
    assert refused.value.args[0] == refusals.ACCESS_DENIED
    before = server.count("sqlscore_mysql_statements_total", code="0")
    with socket.create_connection((HOST, server.port), timeout=60) as client:
        _packet(client)
        capabilities = 0x00000200 | 0x00008000 | 0x00080000  # protocol 41, native passwords, plugins
        login = struct.pack("<IIB23x", capabilities, 1 << 20, 45) + b"root\0" + b"\x14" + bytes(20)
        _put(client, 1, login + b"mysql_native_password\0")
        assert _packet(client)[:3] == b"\xff" + struct.pack("<H", refusals.ACCESS_DENIED)
        got = b""
        with suppress(ConnectionError):  # the server may have closed already
            _put(client, 0, b"\x03SELECT 1")
            got = client.recv(1)
        assert got == b""
    assert server.count("sqlscore_mysql_statements_total", code="0") == before


CAPABILITIES = 0x00000208 | 0x00008000 | 0x00080000  # protocol 41, a database, native passwords, plugins
LENGTHS = 0x00200000  # of passwords are written as those of texts
LOGINS = st.builds(
    lambda flags, rest: struct.pack("<IIB23x", flags, 1 << 20, 45) + rest,
    st.sampled_from([CAPABILITIES, CAPABILITIES | LENGTHS, CAPABILITIES | LENGTHS | 0x00100000, 0x200, 0]),
    st.lists(st.sampled_from([b"a", b"\0", b"\x14", b"\xfa", b"\xfc\xff\xff", b"\xfe"]), max_size=12).map(b"".join),
)


@settings(max_examples=60)
@given(st.binary(max_size=80) | LOGINS, st.booleans())
@example(struct.pack("<IIB23x", CAPABILITIES, 1 << 20, 45) + b"root\0\xfa", True)
@example(struct.pack("<IIB23x", CAPABILITIES | LENGTHS, 1 << 20, 45) + b"root\0\xfe" + b"\xff" * 8, True)
def test_what_is_no_login_is_let_go(server: Server, con, data: bytes, is_packet: bool):
    """And the server goes on with the others."""
    with socket.create_connection((HOST, server.port), timeout=60) as client:
        _packet(client)
        with suppress(ConnectionError):  # the server may close before it has read all
            client.sendall(struct.pack("<I", len(data) | 1 << 24) + data if is_packet else data)
            client.shutdown(socket.SHUT_WR)
            while client.recv(4_096):
                pass
    assert con.query("SELECT 1") == 1


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SHOW KEYS FROM kinds", ["Table", "Non_unique", "Key_name"]),
        ("SHOW INDEXES FROM main.kinds", ["Table", "Non_unique", "Key_name"]),
        ("SHOW FIELDS FROM kinds", ["Field", "Type", "Null"]),
        ("SHOW FULL FIELDS FROM kinds FROM main LIKE 'n%'", ["Field", "Type", "Collation"]),
        ("SHOW COLUMNS FROM `kinds` WHERE Field = 'id'", ["Field", "Type", "Null"]),
        ("DESC kinds", ["Field", "Type", "Null"]),
        ("SHOW FULL TABLES WHERE Table_type = 'base table'", ["Tables_in_main", "Table_type"]),
        ("SHOW TABLE STATUS LIKE 'kin%'", ["Name", "Engine", "Version"]),
        ("SHOW SCHEMAS", ["Database"]),
        ("SHOW CREATE TABLE kinds", ["Table", "Create Table"]),
        ("SHOW CREATE VIEW sqlscore.events", ["View", "Create View"]),
        ("SHOW ENGINES", ["ENGINE", "SUPPORT"]),
        ("SHOW COLLATION", ["Collation", "Charset"]),
        ("SHOW CHARACTER SET", ["Charset", "Description"]),
        ("SHOW SESSION VARIABLES WHERE Variable_name IN ('AUTOCOMMIT', 'x')", ["Variable_name", "Value"]),
        ("SHOW GRANTS", ["Grants"]),
        ("EXPLAIN SELECT * FROM kinds", ["explain_key", "explain_value"]),
        ("SELECT * FROM INFORMATION_SCHEMA.STATISTICS", ["TABLE_CATALOG", "TABLE_SCHEMA"]),
        ("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE = 'base table'", ["TABLE_NAME"]),
    ],
)
def test_the_catalog_is_shown_in_mysqls_columns(con: pymysql.connections.Connection, sql: str, names: list[str]):
    with con.cursor() as cursor:
        con.select_db("main")
        assert cursor.execute(sql) >= 1
        assert [column[0] for column in cursor.description][: len(names)] == names


@pytest.mark.parametrize(
    "sql",
    [
        "SHOW WARNINGS LIMIT 10",
        "SHOW STATUS LIKE 'Threads%'",
        "SHOW TRIGGERS FROM main",
        "SHOW PROCEDURE STATUS WHERE Db = 'main'",
        "SELECT * FROM information_schema.ROUTINES",
        "START TRANSACTION READ ONLY",
        "COMMIT",
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci",
        "SET autocommit=1, session_track_schema=1, sql_mode=concat(@@sql_mode,',STRICT_TRANS_TABLES')",
        "SET @@SESSION.SQL_SELECT_LIMIT=DEFAULT",
        "SET time_zone='+00:00'",
        "/* ping */",
    ],
)
def test_what_tools_send_before_they_ask_has_no_rows(con: pymysql.connections.Connection, sql: str):
    with con.cursor() as cursor:
        assert cursor.execute(sql) == 0


def test_a_client_may_not_send_more_than_the_limit(server: Server):
    with server.connect() as con:
        assert con.query("SELECT 1") == 1
        with pytest.raises(pymysql.MySQLError):
            con.query(f"SELECT '{'x' * (2 << 20)}'")
    code, text = server.refused(f"SELECT '{'x' * 200_000}'")
    assert code == refusals.SYNTAX
    assert "make it shorter" in text


def test_a_session_has_its_own_settings(server: Server):
    """And gets the first ones back when it asks."""
    with server.connect(database="sqlscore") as con, con.cursor() as cursor:
        cursor.execute("SET NAMES latin1")
        cursor.execute("SET SESSION sql_select_limit = 3, autocommit = OFF")
        cursor.execute("SELECT DATABASE(), @@sql_select_limit, @@autocommit, CURRENT_USER(), CONNECTION_ID()")
        assert cursor.fetchall() == (("sqlscore", 3, 0, "somebody@localhost", con.thread_id()),)
        assert cursor.execute("SELECT user_id FROM scored_users") == 3
        cursor.execute("SET sql_select_limit = DEFAULT")
        assert cursor.execute("SELECT user_id FROM scored_users") == 40
        con.select_db("main")
        cursor.execute("SELECT COUNT(*) FROM kinds")
        assert cursor.fetchall() == ((2,),)
    with pytest.raises(pymysql.MySQLError, match="no database 'nowhere'"):
        server.connect(database="nowhere")


def test_texts_come_in_the_characters_of_the_client(server: Server):
    with server.connect(charset="latin1") as con, con.cursor() as cursor:
        cursor.execute("SELECT name, CHAR(20013) FROM kinds WHERE name = 'ü'")
        assert cursor.fetchall() == (("ü", "?"),)


def test_rows_are_not_gathered_before_they_are_sent(server: Server):
    """Of forty thousand million of them the first are there at once; then the client leaves."""
    con = server.connect()
    con.query("SELECT r.range FROM range(40000000000) r", unbuffered=True)
    assert con._result is not None
    for _ in range(1_000):
        con._result._read_rowdata_packet_unbuffered()
    con._result.unbuffered_active = False  # or pymysql reads the rest of them
    con._force_close()
    wait_for("the end of the statement", lambda: server.running() == 0)


def _packet(client: socket.socket) -> bytes:
    header = _exactly(client, 4)
    return _exactly(client, int.from_bytes(header[:3], "little"))


def _exactly(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = client.recv(size - len(data))
        assert part, "the server closed the connection"
        data += part
    return data


def _put(client: socket.socket, number: int, data: bytes) -> None:
    client.sendall(struct.pack("<I", len(data) | number << 24) + data)
