"""`sqlscore serve DB --mysql`: a process of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pymysql
import pytest
from soak_parts import Child, wait_for

from sqlscore.mysql import refusals


def test_a_process_answers_mysqls_clients(shop_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With the password that it keeps beside the file, which it neither prints nor logs nor leaves."""
    monkeypatch.delenv("SQLSCORE_TOKEN", raising=False)
    path = Path(shutil.copy(shop_file, tmp_path / "shop.duckdb"))
    log = tmp_path / "log"
    child = Child(path, log, "--mysql", "0", "--statement-timeout", "20")
    try:
        assert child.process.stdout is not None
        said = child.process.stdout.readline()
        kept = Path(f"{path}.password")
        assert said.startswith("MySQL: host 127.0.0.1, port ")
        assert said.endswith(f"any user, with the password in {kept}\n")
        port = int(said.split("port ")[1].split(",")[0])
        secret = kept.read_text()
        assert kept.stat().st_mode & 0o077 == 0
        with pytest.raises(pymysql.MySQLError) as refused:
            pymysql.connect(host="127.0.0.1", port=port, user="me", password="")
        assert refused.value.args[0] == refusals.ACCESS_DENIED
        with pymysql.connect(host="127.0.0.1", port=port, user="me", password=secret) as con, con.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM (SELECT predict_next_action(e) FROM clicks e GROUP BY `client id`) t")
            assert cursor.fetchall() == ((40,),)
            with pytest.raises(pymysql.MySQLError, match="read_csv"):
                cursor.execute("SELECT * FROM read_csv('x')")
            wait_for("the other's end", lambda: child.metrics()["sqlscore_mysql_clients"] == 1)
            assert child.metrics()[f'sqlscore_mysql_statements_total{{code="{refusals.FUNCTION_DENIED}"}}'] == 1
            code, _ = child.terminate(60)
    finally:
        child.end()
    assert code == 0
    assert not kept.exists()
    assert secret not in said + log.read_text()
    assert "read_csv" not in log.read_text()
