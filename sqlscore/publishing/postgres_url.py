"""The URL of a PostgreSQL server, whose password is kept out of everything that is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from sqlscore.errors import PublishError
from sqlscore.redaction import scrub

SCHEMES = ("postgresql", "postgres")
_SECRET_OPTIONS = ("password", "sslpassword")
_DEFAULTS = {"application_name": "sqlscore", "connect_timeout": "10"}


@dataclass(frozen=True)
class Server:
    """A server: `label` may be shown anywhere, the rest is kept out of reprs."""

    label: str
    uri: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    def scrub(self, text: str) -> str:
        """`text` without any form of the password."""
        return scrub(text, *self.secrets)


def is_postgres(to: str) -> bool:
    """Whether `to` names a PostgreSQL server."""
    return to.partition("://")[0].partition("+")[0].casefold() in SCHEMES and "://" in to


def server_of(url: str) -> Server:
    """Read `postgresql://[user[:password]@][host][:port][/database][?option=value]`.

    libpq fills in what is missing: PGPASSWORD, PGUSER and the like, then the password file. The password may hold an @.
    Raises PublishError, which does not repeat the URL, if it cannot be read.
    """
    try:
        parts = urlsplit(url)
        host, port, user, password = parts.hostname or "", parts.port, parts.username, parts.password
    except ValueError:
        raise _unreadable() from None
    if "@" in parts.path + parts.fragment or parts.fragment:
        raise _unreadable()
    options = parse_qsl(parts.query, keep_blank_values=True)
    secrets = (password or "", *(value for name, value in options if name in _SECRET_OPTIONS))
    login = quote(unquote(user), safe="") if user else ""
    place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    shown = [(name, value) for name, value in options if name not in _SECRET_OPTIONS]
    asked = {name for name, _ in options}
    sent = options + [(name, value) for name, value in _DEFAULTS.items() if name not in asked]
    secret = f":{quote(unquote(password), safe='')}" if password else ""
    return Server(
        f"postgresql://{login}{'@' if login else ''}{place}{parts.path}" + (f"?{urlencode(shown)}" if shown else ""),
        f"postgresql://{login}{secret}{'@' if login else ''}{place}{parts.path}?{urlencode(sent, quote_via=quote)}",
        tuple(filter(None, secrets)),
    )


def _unreadable() -> PublishError:
    return PublishError(
        "the PostgreSQL URL cannot be read (it is not shown, since it may hold a password): write "
        "postgresql://USER@HOST:PORT/DATABASE and give the password in PGPASSWORD or the password file; in the URL, "
        "/ # ? and @ of a password have to be percent-encoded"
    )
