"""How a statement over MySQL's protocol ends before it is done, and what long ones do to short ones."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pymysql
import pytest
from mysql_client import Server, serving
from soak_parts import wait_for

from sqlscore.mysql import refusals

LONG = "SELECT COUNT(*) FROM range(100000000000) r WHERE r.range * r.range % 7 = 3"
SCORES = "SELECT `client id`, predict_next_action(e) FROM clicks AS e GROUP BY `client id` ORDER BY 1"


@pytest.fixture(scope="module")
def server(shop_file: Path) -> Iterator[Server]:
    with serving(shop_file, seconds=120) as running:
        yield running


def begun(
    server: Server, sql: str = LONG
) -> tuple[pymysql.connections.Connection, ThreadPoolExecutor, Callable[[], str]]:
    """A client that runs a statement, and what becomes of it."""
    con = server.connect()
    pool = ThreadPoolExecutor(1)

    def run() -> str:
        try:
            con.query(sql)
        except pymysql.MySQLError as error:
            return f"{error.args[0]}: {error.args[1]}"
        return "done"

    future = pool.submit(run)
    wait_for("the statement", lambda: server.running() == 1)
    return con, pool, lambda: future.result(60)


def test_a_statement_that_takes_too_long_is_ended(server: Server):
    """In the time that the client asked for, in MySQL's variable or MariaDB's, which the server's limit bounds."""
    for variable, value in (("max_execution_time", 150), ("max_statement_time", 0.15)):
        with server.connect() as con, con.cursor() as cursor:
            cursor.execute(f"SET {variable} = {value}")
            with pytest.raises(pymysql.MySQLError, match="longer than 0.15 seconds") as late:
                cursor.execute(LONG)
            assert late.value.args[0] == refusals.TIMEOUT
            cursor.execute("SELECT 1")
            assert cursor.fetchall() == ((1,),)
    assert server.running() == 0


def test_kill_query_ends_the_statement_and_leaves_the_client(server: Server):
    con, pool, result = begun(server)
    with pool:
        server.ask(f"KILL QUERY {con.thread_id()}")
        assert result() == f"{refusals.INTERRUPTED}: the statement was ended by KILL"
        assert con.query("SELECT 1") == 1
    con.close()


def test_kill_ends_the_client(server: Server):
    """With a statement or without one."""
    con, pool, result = begun(server)
    with pool:
        server.ask(f"KILL {con.thread_id()}")
        assert result().startswith((f"{refusals.INTERRUPTED}:", "2013:"))  # the second: the connection is lost
        with pytest.raises(pymysql.MySQLError):
            con.query("SELECT 1")
    idle = server.connect()
    server.ask(f"KILL CONNECTION {idle.thread_id()}")
    with pytest.raises((pymysql.MySQLError, OSError)):
        idle.query("SELECT 1")
    ended = {str(con.thread_id()), str(idle.thread_id())}
    wait_for("their end", lambda: ended.isdisjoint(row[0] for row in server.ask("SHOW PROCESSLIST")))


def test_a_client_that_is_gone_frees_its_statement(server: Server):
    """Killed without a word, as by SIGKILL: its socket is reset."""
    con, pool, _ = begun(server)
    number = str(con.thread_id())
    assert con._sock is not None
    con._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    con._sock.shutdown(socket.SHUT_RDWR)
    con._force_close()
    pool.shutdown(wait=True)
    wait_for("the end of the client", lambda: number not in {row[0] for row in server.ask("SHOW PROCESSLIST")})
    assert server.running() == 0


def test_long_statements_do_not_hold_up_short_ones(server: Server):
    """Three long ones run while five clients ask short ones, which all have their answers before those are ended."""
    want = server.ask(SCORES)
    long = [begun_beside(server, at) for at in range(3)]
    try:

        def ask_often(_: int) -> int:
            with server.connect() as con, con.cursor() as cursor:
                for _ in range(10):
                    cursor.execute(SCORES)
                    assert cursor.fetchall() == want
            return 10

        with ThreadPoolExecutor(5) as pool:
            assert list(pool.map(ask_often, range(5))) == [10] * 5
        assert server.running() == 3
    finally:
        for con, thread in long:
            server.ask(f"KILL QUERY {con.thread_id()}")
            thread.join(60)
            con.close()
    assert server.running() == 0


def begun_beside(server: Server, others: int) -> tuple[pymysql.connections.Connection, threading.Thread]:
    con = server.connect()

    def run() -> None:
        with pytest.raises(pymysql.MySQLError, match="ended by KILL"):
            con.query(LONG)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for("the statement", lambda: server.running() == others + 1)
    return con, thread


def test_a_server_that_stops_ends_its_clients(shop_file: Path):
    """Within seconds, though statements run and clients do nothing."""
    with serving(shop_file) as server:
        idle = server.connect()
        _, pool, result = begun(server)
        before = time.monotonic()
    assert time.monotonic() - before < 30
    assert result().startswith((f"{refusals.INTERRUPTED}:", "2013:"))
    pool.shutdown()
    with pytest.raises((pymysql.MySQLError, OSError)):
        idle.query("SELECT 1")


def test_clients_that_come_and_go_leave_nothing_behind(server: Server):
    """Eight at a time ask, run into their limit and leave: right answers to the end, and nothing of them stays."""
    want = server.ask(SCORES)
    end = time.monotonic() + 4

    def live(number: int) -> int:
        asked = 0
        while time.monotonic() < end:
            with server.connect() as con, con.cursor() as cursor:
                cursor.execute(SCORES)
                assert cursor.fetchall() == want
                if number % 4 == 0:
                    cursor.execute("SET max_execution_time = 50")
                    with pytest.raises(pymysql.MySQLError, match="longer than"):
                        cursor.execute(LONG)
                asked += 1
        return asked

    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(live, range(8)))
    assert min(counts) > 0
    wait_for("the end of the clients", lambda: len(server.ask("SHOW PROCESSLIST")) == 1)
    wait_for("the end of their threads", lambda: not threads_of_clients())
    assert server.count("sqlscore_mysql_statements_total", code=str(refusals.UNKNOWN)) == 0


def threads_of_clients() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("sqlscore-mysql_")]


def test_a_client_whose_last_statement_was_ended_leaves_as_others_do(server: Server, caplog: pytest.LogCaptureFixture):
    """Its cursor is closed and its thread ends, though that statement was stopped; that is nothing to warn of."""
    with server.connect() as con, con.cursor() as cursor:
        cursor.execute("SET max_execution_time = 50")
        with pytest.raises(pymysql.MySQLError, match="longer than"):
            cursor.execute(LONG)
    wait_for("the end of its thread", lambda: not threads_of_clients())
    assert [record.getMessage() for record in caplog.records if "let go" in record.getMessage()] == []


def test_one_client_needs_one_thread_whoever_else_asks(server: Server):
    """A model keeps buffers for every thread that ran it: the statements of a client stay in one."""
    wait_for("the end of earlier clients", lambda: not threads_of_clients())
    with server.connect() as scoring, server.connect() as other:
        for _ in range(3):
            for con in (scoring, other):
                with con.cursor() as cursor:
                    cursor.execute(SCORES)
        assert len(threads_of_clients()) == 2
