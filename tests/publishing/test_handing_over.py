"""Handing over, against a real server that misbehaves: signed, tried again, never lost."""

from __future__ import annotations

import csv
import hashlib
import hmac
import json
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import pytest
from command_line import run

import sqlscore
from sqlscore.database.catalog import mapped
from sqlscore.errors import PublishError
from sqlscore.publishing.tables import sources
from sqlscore.publishing.webhook import Delivery, hook_of, to_webhook

SECRET = "a secret of the test, long enough"


@dataclass
class Receiver:
    """What came, and what is answered next: a status, "drop" for none at all; 200 once the list is empty."""

    url: str = ""
    answers: list[int | str] = field(default_factory=list)
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.came.append((dict(self.headers), body))
            answer = state.answers.pop(0) if state.answers else 200
            if answer == "drop":
                self.close_connection = True
                return
            self.send_response(int(answer))
            if answer == 429:
                self.send_header("Retry-After", "7")
            if answer == 302:
                self.send_header("Location", state.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/hook?token=hidden"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def shop(shop: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    shop.execute(
        """CREATE TABLE list AS SELECT i AS user_id, '=1+1' AS message, ['a', NULL] AS reasons, 'nan'::DOUBLE AS odd,
           TIMESTAMP '2024-01-01' AS at FROM range(7) t(i)"""
    )
    return shop


def send(con: duckdb.DuckDBPyConnection, receiver: Receiver, dead: Path, waits: list[float]) -> None:
    mapping = mapped(con, "events", read=False)
    with sources(con, mapping, ["list"]) as (reader, chosen):
        to_webhook(reader, hook_of(receiver.url), SECRET.encode(), chosen, dead, Delivery(rows=3), waits.append)


def test_batches_are_signed_and_hold_all_rows(
    shop: duckdb.DuckDBPyConnection, receiver: Receiver, tmp_path: Path
) -> None:
    send(shop, receiver, tmp_path / "dead", [])
    assert len(receiver.came) == 3
    rows = [row for _, body in receiver.came for row in json.loads(body)["rows"]]
    assert [row["user_id"] for row in rows] == list(range(7))
    assert rows[0] == {
        "user_id": 0, "message": "=1+1", "reasons": ["a", None], "odd": None, "at": "2024-01-01 00:00:00",
    }  # fmt: skip
    for headers, body in receiver.came:
        moment, signature = (part.partition("=")[2] for part in headers["Sqlscore-Signature"].split(","))
        signed = hmac.new(SECRET.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
        assert signature == signed
        assert headers["Idempotency-Key"] == hashlib.sha256(body).hexdigest()
        assert SECRET not in str(headers)
    assert not (tmp_path / "dead").exists()


def test_a_receiver_that_fails_gets_the_same_batch_again(
    shop: duckdb.DuckDBPyConnection, receiver: Receiver, tmp_path: Path
) -> None:
    """After growing waits, as long as it asks for at least, with the same key; then the next one."""
    receiver.answers = [503, "drop", 429, 200]
    waits: list[float] = []
    send(shop, receiver, tmp_path / "dead", waits)
    keys = [headers["Idempotency-Key"] for headers, _ in receiver.came]
    assert len(keys) == 6
    assert len(set(keys)) == 3
    assert len(set(keys[:4])) == 1
    assert 0.5 <= waits[0] <= 1
    assert 1 <= waits[1] <= 2
    assert waits[2] == 7
    receiver.came.clear()
    send(shop, receiver, tmp_path / "dead", waits)
    assert {headers["Idempotency-Key"] for headers, _ in receiver.came} == set(keys)


@pytest.mark.parametrize(("answers", "tries"), [([400], 3), ([302], 3), ([500] * 6, 8), (["drop"] * 6, 8)])
def test_what_is_not_accepted_is_kept_and_the_rest_is_sent(
    shop: duckdb.DuckDBPyConnection, receiver: Receiver, tmp_path: Path, answers: list[int | str], tries: int
) -> None:
    """A refusal that is final is not repeated, a redirect is not followed."""
    receiver.answers = list(answers)
    dead = tmp_path / "dead"
    with pytest.raises(PublishError, match=r"1 of 3 batches.* by http://127.0.0.1:\d+/hook \(") as error:
        send(shop, receiver, dead, [])
    assert len(receiver.came) == tries
    (letter,) = map(json.loads, dead.read_text().splitlines())
    assert letter["body"].encode() == receiver.came[0][1]
    assert stat.S_IMODE(dead.stat().st_mode) == 0o600
    for text in (str(error.value), dead.read_text()):
        assert "hidden" not in text
        assert SECRET not in text


def test_the_command_sends_and_notes_no_secret(
    shop: duckdb.DuckDBPyConnection, receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = shop.execute("SELECT path FROM duckdb_databases() WHERE path IS NOT NULL").fetchall()[0]
    shop.close()
    missing = run("publish", path, "--to", receiver.url, "--tables", "list")
    assert missing.exit_code == 1
    assert "SQLSCORE_WEBHOOK_SECRET must hold" in missing.stderr
    monkeypatch.setenv("SQLSCORE_WEBHOOK_SECRET", SECRET)
    done = run("publish", path, "--to", receiver.url, "--tables", "list", "--dead-letters", tmp_path / "d")
    assert done.exit_code == 0, done.output
    assert "all batches were accepted" in done.stdout
    assert len(receiver.came) == 1
    with sqlscore.connect(path) as con:
        noted = str(con.execute("FROM sqlscore.runs WHERE verb = 'publish'").fetchall())
    for text in (noted, done.output):
        assert SECRET not in text
        assert "hidden" not in text
    assert "127.0.0.1" in noted


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.com/hook", "in the clear: use https"),
        ("https://me:pass@example.com/", "would be stored"),
        ("https:///hook", "has no host"),
        ("https://example.com:x/", "cannot be read"),
    ],
)
def test_addresses_that_would_leak_are_refused(url: str, said: str) -> None:
    with pytest.raises(PublishError, match=said) as error:
        hook_of(url)
    assert "pass@" not in str(error.value)


def test_a_list_for_mail_tools_holds_no_formula(shop: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    shop.execute(
        """INSERT INTO list (user_id, message) VALUES (-5, E' \\t@SUM(1)'), (9, '＝1'), (10, 'a"b'), (11, '-1')"""
    )
    assert sqlscore.publish(shop, path, tables=["list"]).tables["list"].rows == 11
    with path.open(newline="", encoding="utf-8") as file:
        rows = {row["user_id"]: row["message"] for row in csv.DictReader(file)}
    assert rows["0"] == "'=1+1"
    assert rows["-5"] == "' \t@SUM(1)"  # a number stays one
    assert (rows["9"], rows["10"], rows["11"]) == ("'＝1", 'a"b', "'-1")
    with pytest.raises(PublishError, match="holds one table"):
        sqlscore.publish(shop, path, tables=["list", "clicks"])
