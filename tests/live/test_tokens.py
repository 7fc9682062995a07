"""Who may ask a server of scores: where the token is, and which addresses are refused."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from sqlscore.errors import ServingError
from sqlscore.live.tokens import VARIABLE, Token, token
from sqlscore.serving.scores import Door, is_this_machine


def test_a_token_is_kept_where_only_its_owner_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """And it is gone with the server; that of a killed one is replaced."""
    monkeypatch.delenv(VARIABLE, raising=False)
    path = tmp_path / "shop.duckdb.token"
    path.write_text("left by a killed server")
    with token(str(tmp_path / "shop.duckdb")) as made:
        assert path.read_text() == made.secret
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert made.secret not in f"{made} {made.where}"
    assert not path.exists()


def test_the_environment_gives_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """No file then, and no weak one."""
    monkeypatch.setenv(VARIABLE, "sixteen-letters-")
    with token(str(tmp_path / "shop.duckdb")) as given:
        assert given.admits(b"Bearer sixteen-letters-")
        assert not list(tmp_path.iterdir())
    for weak in ("", "short", "with a blank in it", "mit-Umlaut-äöüäöü"):
        monkeypatch.setenv(VARIABLE, weak)
        with pytest.raises(ServingError, match="at least 16 letters") as refused:
            token("shop.duckdb").__enter__()
        assert not weak or weak not in str(refused.value)


@pytest.mark.parametrize(
    "header", [b"", b"Bearer", b"Bearer ", b"Bearer secre", b"bearer secret", b"Basic secret", b"secret"]
)
def test_only_the_token_is_the_token(header: bytes):
    """Neither its beginning nor another scheme."""
    assert not Token("secret").admits(header)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "db.example.com"])
def test_other_machines_need_a_flag_and_a_token_that_they_know(host: str, monkeypatch: pytest.MonkeyPatch):
    """By mistake, nobody opens a file to a network."""
    assert not is_this_machine(host)
    monkeypatch.delenv(VARIABLE, raising=False)
    Door(host, 0).check()
    with pytest.raises(ServingError, match="add --open if that is meant"):
        Door(host, 0, scores=True).check()
    with pytest.raises(ServingError, match=f"set {VARIABLE}"):
        Door(host, 0, scores=True, is_open=True).check()
    monkeypatch.setenv(VARIABLE, "sixteen-letters-")
    Door(host, 0, scores=True, is_open=True).check()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_needs_neither(host: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert is_this_machine(host)
    Door(host, 0, scores=True).check()  # or raises
