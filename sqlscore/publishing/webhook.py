"""The webhook route: rows in signed batches, each tried again until it is accepted, or kept as a dead letter.

A batch is one POST of JSON, `{"table": ..., "batch": 1, "rows": [{...}, ...]}`. Its headers:

- `Idempotency-Key`: a hash of the body. The same rows sent again have the same keys, so that a receiver that keeps keys
  does nothing twice (draft-ietf-httpapi-idempotency-key-header).
- `Sqlscore-Signature`: `t=SECONDS,v1=HEX`, where HEX is HMAC-SHA256 (RFC 2104) of `SECONDS.BODY` with the secret. A
  receiver computes it anew, compares in constant time, and refuses old times.

Redirects are not followed: a body that is signed for one address does not go to another.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import json
import os
import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb

from sqlscore.errors import PublishError
from sqlscore.publishing.report import PublishedTable
from sqlscore.publishing.tables import Source

SECRET_VARIABLE = "SQLSCORE_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable
DEFAULT_TABLES = ("contacts",)
"""What is handed over unless tables are named: users who are to be treated."""

_SHORTEST_SECRET = 16  # characters
_AGAIN = frozenset({408, 409, 425, 429, *range(500, 600)})
"""Answers after which another try may succeed; all other refusals are final."""


@dataclass(frozen=True)
class Delivery:
    """How rows are sent. rows: of a batch. retries: after the first try. first, most: seconds between tries."""

    rows: int = 500
    retries: int = 5
    first: float = 1.0
    most: float = 60.0
    timeout: float = 30.0


@dataclass(frozen=True)
class Hook:
    """Where to send: the parts of a URL. `label` is shown and stored: without a query, which may hold a token."""

    secure: bool
    host: str
    port: int
    path: str
    label: str


def is_webhook(target: str) -> bool:
    """Whether a target is the URL of a webhook."""
    return target.casefold().startswith(("http://", "https://"))


def hook_of(target: str) -> Hook:
    """The parts of the URL. Raises PublishError for one without a host, with a password, or that is not encrypted.

    Plain HTTP is for this machine alone.
    """
    try:
        url = urlsplit(target)
        host, port = url.hostname or "", url.port
    except ValueError as error:
        raise PublishError(f"the URL of the webhook cannot be read: {error}") from error
    if not host:
        raise PublishError("the URL of the webhook has no host: write https://HOST/PATH")
    if url.username is not None or url.password is not None:
        raise PublishError("a user or password in the URL would be stored: batches are signed, so leave it out")
    secure = url.scheme.casefold() == "https"
    if not secure and not _is_here(host):
        raise PublishError(f"http://{host} would send users in the clear: use https://")
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    shown = f"{url.scheme.casefold()}://{host}{f':{port}' if port else ''}{url.path}"
    return Hook(secure, host, port or (443 if secure else 80), path, shown)


def secret_of_environment() -> bytes:
    """The secret. Raises PublishError if there is none, or one that can be guessed."""
    secret = os.environ.get(SECRET_VARIABLE, "")
    if len(secret) < _SHORTEST_SECRET:
        raise PublishError(
            f"{SECRET_VARIABLE} must hold the secret that the receiver checks signatures by, {_SHORTEST_SECRET} "
            "characters or more: set it in the environment, not in a command"
        )
    return secret.encode()


def to_webhook(
    reader: duckdb.DuckDBPyConnection,
    hook: Hook,
    secret: bytes,
    sources: tuple[Source, ...],
    dead_letters: Path,
    delivery: Delivery = Delivery(),
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, PublishedTable]:
    """Send all rows of the tables; `changed` counts those that were accepted.

    Args:
        reader: a connection that sees one moment.
        hook: where to.
        secret: signs the batches.
        sources: the tables.
        dead_letters: a file to which each batch that was not accepted is added, a line of JSON.
        delivery: sizes and waits.
        pause: waits so many seconds.

    Raises PublishError, after all batches were tried, if some were not accepted.
    """
    published, dead, total, reason = {}, 0, 0, ""
    for source in sources:
        rows = accepted = 0
        digest = hashlib.sha256()
        for number, batch in enumerate(_batches(reader, source, delivery.rows), 1):
            body = json.dumps(
                {"table": source.name, "batch": number, "rows": batch}, ensure_ascii=False, allow_nan=False
            ).encode()
            digest.update(body)
            rows, total = rows + len(batch), total + 1
            refusal = _deliver(hook, secret, body, delivery, pause)
            if refusal is None:
                accepted += len(batch)
            else:
                dead, reason = dead + 1, refusal
                _keep(dead_letters, hook, body, refusal)
        published[source.name] = PublishedTable(rows, digest.hexdigest()[:20], accepted)
    if dead:
        raise PublishError(
            f"{dead} of {total} batches were not accepted by {hook.label} ({reason}): they are in {dead_letters}; send "
            "the same again when the receiver works, accepted batches have the same keys"
        )
    return published


def _batches(reader: duckdb.DuckDBPyConnection, source: Source, size: int) -> Iterator[list[Any]]:
    """The rows as JSON values, always in the same order; what JSON has no number for is null or text."""
    cursor = reader.execute(f"SELECT CAST(to_json(sent) AS VARCHAR) FROM (FROM {source.relation} ORDER BY ALL) AS sent")
    while rows := cursor.fetchmany(size):
        yield [_finite(json.loads(text)) for (text,) in rows]


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and value - value != 0 else value


def _deliver(hook: Hook, secret: bytes, body: bytes, delivery: Delivery, pause: Callable[[float], None]) -> str | None:
    """None if the batch was accepted, else why not, after all tries."""
    refusal = ""
    for retry in range(delivery.retries + 1):
        status, wait, refusal = _post(hook, secret, body, delivery.timeout)
        if status is not None and 200 <= status < 300:
            return None
        if status is not None and status not in _AGAIN:
            return refusal
        if retry < delivery.retries:
            grown = min(delivery.most, delivery.first * 2.0**retry) * (1 - random.random() / 2)  # noqa: S311
            pause(min(delivery.most, max(grown, wait)))
    return refusal


def _post(hook: Hook, secret: bytes, body: bytes, timeout: float) -> tuple[int | None, float, str]:
    """Status, seconds that the receiver asks to wait, and what to say; status None if there was no answer."""
    moment = str(int(time.time()))
    signature = hmac.new(secret, f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": hashlib.sha256(body).hexdigest(),
        "Sqlscore-Signature": f"t={moment},v1={signature}",
        "User-Agent": "sqlscore",
    }
    connection: http.client.HTTPConnection
    if hook.secure:
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(hook.host, hook.port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(hook.host, hook.port, timeout=timeout)
    try:
        connection.request("POST", hook.path, body=body, headers=headers)
        answer = connection.getresponse()
        answer.read(1_000)  # what a receiver says is not ours to show
        return answer.status, _seconds(answer.getheader("Retry-After")), f"status {answer.status}"
    except (OSError, http.client.HTTPException) as error:
        said = "no answer in time" if isinstance(error, (TimeoutError, socket.timeout)) else type(error).__name__
        return None, 0.0, said
    finally:
        connection.close()


def _seconds(header: str | None) -> float:
    return float(header) if header is not None and header.strip().isdigit() else 0.0


def _keep(path: Path, hook: Hook, body: bytes, refusal: str) -> None:
    """Add a batch to the dead letters, which only the owner may read: they hold users."""
    line = {
        "to": hook.label,
        "why": refusal,
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "idempotency_key": hashlib.sha256(body).hexdigest(),
        "body": body.decode(),
    }
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"
