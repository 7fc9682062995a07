"""Optional libraries: what is told when one is missing."""

import json
from pathlib import Path

import pytest

from sqlscore.errors import TrackingError
from sqlscore.extras import optional, require


def test_a_library_that_is_there_is_imported():
    """Submodules too, since matplotlib's figures are one."""
    assert optional("json", "this needs JSON", extra="none", error=TrackingError) is json
    assert optional("json.decoder", "this needs JSON", extra="none", error=TrackingError) is json.decoder
    require("json", "this needs JSON", extra="none", error=TrackingError)


@pytest.mark.parametrize("ask", [optional, require])
def test_a_library_that_is_missing_is_told_with_its_extra(ask):
    """The remedy is one command, and is part of the message."""
    with pytest.raises(TrackingError, match=r"^tracking needs MLflow.*: pip install 'sqlscore\[track\]'$"):
        ask("no_such_library", "tracking needs MLflow", extra="track", error=TrackingError)


def test_a_library_that_cannot_be_loaded_is_told_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """LightGBM without libgomp raises OSError when it is imported."""
    (tmp_path / "library_without_libgomp.py").write_text("raise OSError('libgomp.so.1 is missing')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TrackingError, match=r"\(libgomp.so.1 is missing\)"):
        optional("library_without_libgomp", "gbm needs LightGBM", extra="gbm", error=TrackingError)
