"""Removes passwords from texts that are logged, stored or shown."""

from __future__ import annotations

import os
import re
from urllib.parse import quote, unquote

HIDDEN = "***"

_IN_URL = re.compile(r"(?P<before>[a-z][a-z0-9+.-]*://[^\s:/@'\"]*):[^\s'\"]*@", re.IGNORECASE)
_NAMED = re.compile(
    r"""(?P<before>\b\w*(?:password|passwd|secret|token|api_?key|credential)\w*["']?\s*(?:=|:(?!=))\s*"""
    r"""|\b(?:password|secret)\s+(?='))"""
    r"""(?:'(?:[^'\\]|\\.|'')*'|"[^"]*"|[^\s&,;)'"]+)""",
    re.IGNORECASE,
)
_ENVIRONMENT = (
    "PGPASSWORD",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AZURE_STORAGE_KEY",
    "SQLSCORE_WEBHOOK_SECRET",
    "SQLSCORE_WORDS_KEY",
)
_AT_LEAST = 4  # characters: a shorter one, wherever it stands, would make texts unreadable


def scrub(text: str, *secrets: str) -> str:
    """`text` without passwords: those in URLs, behind names such as `password=`, in the environment, and `secrets`.

    It hides too much rather than too little: an `@` after the password in a URL hides the text before it too.
    """
    text = _IN_URL.sub(rf"\g<before>:{HIDDEN}@", text)
    text = _NAMED.sub(rf"\g<before>{HIDDEN}", text)
    for secret in (*secrets, *(os.environ.get(name, "") for name in _ENVIRONMENT)):
        for form in {secret, quote(secret, safe=""), unquote(secret)}:
            if len(form) >= _AT_LEAST:
                text = text.replace(form, HIDDEN)
    return text


def holds_secret(text: str) -> bool:
    """Whether a password stands in a URL of the text, or behind a name such as `password=`."""
    return bool(_IN_URL.search(text) or _NAMED.search(text))
