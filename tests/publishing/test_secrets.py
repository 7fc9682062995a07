"""No password, in whatever form it was given, is in a message, a traceback, a report or the file."""

from __future__ import annotations

import json
import socket
import sys
import traceback
from pathlib import Path
from urllib.parse import quote

import pytest
from postgres_server import PASSWORD, Postgres
from typer.testing import CliRunner

import sqlscore
from sqlscore.cli.app import app
from sqlscore.errors import PublishError
from sqlscore.publishing.postgres_url import is_postgres, server_of

ENCODED = quote(PASSWORD, safe="")


@pytest.fixture(autouse=True)
def _no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGPASSWORD", "PGPASSFILE", "PGUSER", "PGHOST"):
        monkeypatch.delenv(name, raising=False)


def url_with(postgres: Postgres, password: str) -> str:
    return postgres.url.replace("postgres@", f"postgres:{password}@")


def assert_silent(text: str, secret: str = PASSWORD) -> None:
    assert secret not in text
    assert quote(secret, safe="") not in text
    assert quote(secret) not in text


def test_a_password_in_the_url_works_and_is_nowhere_after(shop, postgres):
    """A URL with a password is what people paste; the report and the runs hold it without."""
    report = sqlscore.publish(shop, url_with(postgres, ENCODED), tables=["transitions"], schema="in_url")
    assert report.to == postgres.url
    assert_silent(repr(report) + str(shop.execute("FROM sqlscore.runs").fetchall()))


def test_a_password_file_works(shop, postgres, tmp_path, monkeypatch):
    """libpq's own way to keep passwords out of commands."""
    file = tmp_path / "pgpass"
    file.write_text(f"127.0.0.1:{postgres.port}:*:postgres:{PASSWORD}\n")
    file.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(file))
    assert sqlscore.publish(shop, postgres.url, tables=["transitions"], schema="pgpass").route == "postgres"


def test_a_wrong_password_is_not_shown(shop, postgres, monkeypatch):
    """Nor is a right one in a failure: message, whole traceback and the noted run."""
    wrong = "hunter2/with@odd#signs"
    with pytest.raises(PublishError, match="authentication failed") as caught:
        sqlscore.publish(shop, url_with(postgres, quote(wrong, safe="")), tables=["transitions"])
    assert_silent("".join(traceback.format_exception(caught.value)), wrong)
    assert_silent(str(shop.execute("FROM sqlscore.runs").fetchall()), wrong)
    monkeypatch.setenv("PGPASSWORD", wrong)
    with pytest.raises(PublishError, match="authentication failed"):
        sqlscore.publish(shop, postgres.url, tables=["transitions"])


def test_the_command_line_shows_no_password(postgres, tmp_path):
    """Neither on stdout nor on stderr, whether it works or not."""
    events = tmp_path / "events.csv"
    events.write_text("user_id,event_time,event_type\n1,2024-01-01,view\n1,2024-01-02,buy\n")
    db = str(tmp_path / "shop.duckdb")
    assert CliRunner().invoke(app, ["init", db, "--events", str(events)]).exit_code == 0
    arguments = ["publish", db, "--tables", "transitions,sessions", "--schema", "cli", "--to"]
    result = CliRunner().invoke(app, [*arguments, url_with(postgres, ENCODED), "--json"])
    assert result.exit_code == 0, result.output
    assert_silent(result.output)
    assert sorted(json.loads(result.stdout)["tables"]) == ["sessions", "transitions"]
    result = CliRunner().invoke(app, [*arguments, url_with(postgres, "hunter2hunter2")])
    assert result.exit_code == 1
    assert "hunter2" not in result.output


def test_a_server_that_is_not_there_is_named(shop):
    """The port is free: nobody listens. The message says where it looked."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(PublishError, match=f"postgresql://bi@127.0.0.1:{port}/marts.*[Cc]onnect") as caught:
        sqlscore.publish(shop, f"postgresql://bi:{ENCODED}@127.0.0.1:{port}/marts", tables=["transitions"])
    assert_silent(str(caught.value))


@pytest.mark.parametrize(
    "url",
    ["postgresql://u:pa/ss@h/d", "postgresql://u:pa#ss@h/d", "postgresql://u:pa?ss@h/d", "postgresql://u:p@h:ss/d"],
)
def test_a_url_that_cannot_be_read_is_not_shown(url):
    """Where the password breaks the URL, any part of it may be the password."""
    with pytest.raises(PublishError, match="percent-encoded") as caught:
        server_of(url)
    assert url.partition("//")[2] not in str(caught.value)
    assert "ss" not in str(caught.value).replace("password", "").replace("USER", "").replace("PASS", "")


def test_where_the_server_is_is_read_as_libpq_does():
    """Host, port, database and options travel; the driver's name that SQLAlchemy puts into the scheme does not."""
    server = server_of("postgresql+psycopg://bi:p%40ss@db.example.com:5433/marts?sslmode=require&password=other")
    assert server.label == "postgresql://bi@db.example.com:5433/marts?sslmode=require"
    assert server.uri.startswith("postgresql://bi:p%40ss@db.example.com:5433/marts?sslmode=require&password=other")
    assert "p%40ss" not in repr(server)
    assert "other" not in repr(server)
    assert server_of("postgresql://u:a@b@h/d").uri.startswith("postgresql://u:a%40b@h/d")
    assert server_of("postgresql://").label == "postgresql://"
    assert is_postgres("postgres://h")
    assert not is_postgres("postgres")
    assert not is_postgres("snapshots/postgresql.duckdb")


def test_a_missing_driver_names_the_extra(shop, postgres, monkeypatch):
    """PostgreSQL is optional: the message is the command that adds it."""
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql.dbapi", None)
    with pytest.raises(PublishError, match=r"pip install 'sqlscore\[publish\]'"):
        sqlscore.publish(shop, postgres.url, tables=["transitions"])


def test_a_file_that_is_open_for_reading_only_can_be_published(shop, postgres, tmp_path):
    """A reader beside other readers may publish; there is only nowhere to note it."""
    path = tmp_path / "shop.duckdb"
    with sqlscore.connect(path) as con:
        con.execute(
            "CREATE TABLE events AS SELECT 1 AS user_id, TIMESTAMP '2024-01-01' AS event_time, 'a' AS event_type"
        )
        sqlscore.map_events(con, "events")
    with sqlscore.connect(path, read_only=True) as con:
        assert (
            sqlscore.publish(con, url_with(postgres, ENCODED), tables=["sessions"], schema="ro").tables["sessions"].rows
            == 1
        )
        assert sqlscore.publish(con, tmp_path / "out", tables=["sessions"]).tables["sessions"].rows == 1
        assert con.execute("SELECT count(*) FROM sqlscore.runs WHERE verb = 'publish'").fetchall() == [(0,)]


def test_other_places_are_refused_with_what_there_is(shop, tmp_path):
    """A cloud URL or a stray file is not taken for a folder's name."""
    (tmp_path / "notes.txt").write_text("mine")
    for to in ("s3://bucket/x", tmp_path / "notes.txt", tmp_path / "out.json"):
        with pytest.raises(PublishError, match="folder"):
            sqlscore.publish(shop, to, tables=["transitions"])
    with pytest.raises(PublishError, match="partition_by"):
        sqlscore.publish(shop, Path("x.duckdb"), tables=["transitions"], partition_by=["action"])
