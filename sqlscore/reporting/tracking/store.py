"""The store of runs, an MLflow server or a file; its client is used so that no text holds a password."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from sqlscore.errors import TrackingError
from sqlscore.extras import optional, require
from sqlscore.redaction import scrub

_NEED = "tracking needs MLflow"
_SQLITE = "sqlite:///"
_SETTINGS = {
    # An unreachable server is reported within seconds; the environment may ask for more patience.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    # Nothing goes anywhere but to the store that was named, and stdout is the caller's.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
_LOGGERS = ("alembic", "mlflow", "urllib3")


@dataclass(frozen=True)
class Store:
    """A tracking store. `uri` holds no user and no password of a server; `credentials` do."""

    uri: str
    credentials: tuple[str, str] | None = None

    @property
    def shown(self) -> str:
        """The URI as it may be logged and printed."""
        return scrub(self.uri)

    @property
    def artifacts(self) -> str | None:
        """The folder of a new experiment's files, beside an SQLite file; None if the server chooses it."""
        if not self.uri.startswith(_SQLITE):
            return None
        file = Path(self.uri.removeprefix(_SQLITE)).absolute()
        return file.with_name(f"{file.name.removesuffix('.db')}-artifacts").as_uri()

    def hide(self, text: str) -> str:
        """`text` without the credentials, in whatever form it repeats them."""
        return scrub(text, *(self.credentials or ()))


def store_of(asked: str | bool, database: str | None) -> Store:
    """The store that is asked for.

    Args:
        asked: a tracking URI; True means MLFLOW_TRACKING_URI in the environment, else a file beside the database.
        database: its path; None if it is in memory.

    Raises TrackingError if `asked` is not a URI, or if a database in memory has no place for a file beside it.
    """
    uri = asked if isinstance(asked, str) else os.environ.get("MLFLOW_TRACKING_URI", "")
    if not uri:
        if database is None:
            raise TrackingError(
                "a database in memory has no place for a tracking store beside it: name one, as in "
                "track='sqlite:///runs.db' or track='http://localhost:5000'"
            )
        return Store(f"{_SQLITE}{Path(database).absolute()}.mlflow.db")
    if "://" not in uri and uri != "databricks":
        raise TrackingError(
            f'"{scrub(uri)}" is not a tracking URI: write http://HOST:PORT for a server, sqlite:///FILE for a file '
            "(with --track alone, a file beside the database is used)"
        )
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or "@" not in parts.netloc:
        return Store(uri)
    given, _, host = parts.netloc.rpartition("@")
    user, _, password = given.partition(":")
    return Store(urlunsplit(parts._replace(netloc=host)), (unquote(user), unquote(password)))


@contextmanager
def client_settings(store: Store) -> Iterator[None]:
    """Set the environment that MLflow's client reads, inside the block: credentials, few retries, no telemetry.

    It is the process's environment, so two runs with different credentials must not be tracked at once.
    """
    wanted = {name: value for name, value in _SETTINGS.items() if name not in os.environ}
    if store.credentials is not None:
        wanted |= dict(zip(("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"), store.credentials, strict=True))
    before = {name: os.environ.get(name) for name in wanted}
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    os.environ.update(wanted)
    try:
        optional("mlflow", _NEED, extra="track", error=TrackingError)  # sets up its loggers when it is imported
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        _restore(before)


def require_mlflow() -> None:
    """Raises TrackingError if MLflow is not installed; does not import it."""
    require("mlflow", _NEED, extra="track", error=TrackingError)


def _restore(before: Mapping[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
