"""Times that are written as text: the expression that reads a column of them, found by trying."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import duckdb

from sqlscore.database.queries import one
from sqlscore.excerpts import excerpt
from sqlscore.quoting import literal

_SAMPLE = 200
"""Texts that choose which ways of reading are tried on the whole column."""

_LIKELY = "year({time}) BETWEEN 1900 AND 2200"
"""A two-digit year that is read as a whole one is not."""

_ISO = r"\d{4}[-/]\d\d?[-/]\d\d?"
_CLOCK = r"\d\d?:\d\d(:\d\d(\.\d+)?)?"
_BARE = r"[ T]\d\d?(:\d\d)+[.\d]*\s*$"
_OFFSET = r"\s*(Z|[+-]\d\d(:?\d\d)?|UTC|GMT|[A-Z][A-Za-z_]+/[A-Za-z_/]+)"


@dataclass(frozen=True)
class Form:
    """One way in which times are written.

    Attributes:
        shape: Regular expression that a text must match as a whole, without the blanks around it.
        read: SQL that reads the text `{text}`; with `try_` before it, NULL where it cannot.
        said: Why this one, to be said after it.
    """

    shape: str
    read: str
    said: str = ""

    def tried(self, text: str) -> str:
        """SQL: whether it reads `text`."""
        time = f"try_{self.read.format(text=text)}"
        likely = "true" if "BIGINT" in self.read or "DOUBLE" in self.read else _LIKELY.format(time=time)
        return f"coalesce(regexp_full_match(trim({text}), {literal(self.shape)}) AND {likely}, false)"


def _strptime(form: str, shape: str = ".*") -> Form:
    return Form(shape, f"strptime({{text}}, {literal(form)})")


_DATES = ("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m-%d-%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y", "%d.%m.%y")
_NAMED = ("%d-%b-%Y", "%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y")
_CLOCKS = ("", " %H:%M:%S", " %H:%M", " %H:%M:%S.%f", " %I:%M:%S %p", " %I:%M %p")

_ISO_FORMS = (
    Form(rf"{_ISO}([ T]{_CLOCK})?", "CAST({text} AS TIMESTAMP)"),
    Form(rf"{_ISO}[ T]{_CLOCK}{_OFFSET}", "CAST({text} AS TIMESTAMPTZ)", ", since the texts have an offset"),
    Form(
        rf"{_ISO}[ T]{_CLOCK}({_OFFSET})?",
        f"CAST(trim({{text}}) || CASE WHEN regexp_matches({{text}}, {literal(_BARE)}) THEN 'Z' ELSE '' END "
        "AS TIMESTAMPTZ)",
        ", where times without an offset are read in UTC",
    ),
    _strptime("%Y-%m-%d %H:%M:%S,%f", rf"{_ISO} {_CLOCK},\d+"),
    _strptime("%Y-%m-%d %I:%M:%S %p"),
    _strptime("%Y-%m-%d %I:%M %p"),
)
_DIGITS = (
    _strptime("%Y%m%d", r"\d{8}"),
    _strptime("%Y%m%d%H%M%S", r"\d{14}"),
    _strptime("%Y%m%dT%H%M%S", r"\d{8}T\d{6}"),
    _strptime("%Y%m%dT%H%M%SZ", r"\d{8}T\d{6}Z"),
    Form(r"-?(\d{9,13}|\d{15,19})", "CAST({text} AS BIGINT)", ", since the texts are epoch numbers"),
    Form(r"-?\d{9,19}\.\d+", "CAST({text} AS DOUBLE)", ", since the texts are epoch numbers"),
)
_LOGGED = ("%d/%b/%Y:%H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S GMT", "%a, %d %b %Y %H:%M:%S")
_FORMS = (
    *_ISO_FORMS,
    *_DIGITS,
    *(_strptime(date + clock) for date, clock in product(_DATES + _NAMED, _CLOCKS)),
    *map(_strptime, _LOGGED),
)


def reading_of(con: duckdb.DuckDBPyConnection, relation: str, column: str) -> str:
    """What to write in a view so that a column of texts becomes one of times, as the end of an error.

    It is what reads most of the column; texts that it cannot read are counted, and one of them is named.

    Args:
        con: A connection to the database.
        relation: What follows FROM.
        column: The column as SQL, VARCHAR or an ENUM.
    """
    texts = f"SELECT CAST({column} AS VARCHAR) AS t FROM {relation} WHERE {column} IS NOT NULL"
    likely = _best(con, f"SELECT t FROM ({texts}) WHERE trim(t) <> '' LIMIT {_SAMPLE}", _FORMS)
    if likely and likely[0] in _ISO_FORMS:
        likely = _ISO_FORMS  # an offset may come later
    best = _best(con, texts, likely)
    if not best:
        row = one(con, f"SELECT t FROM ({texts}) WHERE trim(t) <> '' LIMIT 1")
        such = f"; {excerpt(row[0])!r} is written in none of the ways that are tried" if row else ""
        return f"cast it in a view with strptime({column}, FORM){such}"
    row = one(con, f"SELECT count(*), min(t) FROM ({texts}) WHERE NOT {best[0].tried('t')}")
    left, such = row or (0, None)
    reads = [form.read.format(text=column) for form in best]
    if left:
        reads = [f"try_{read}" if read.startswith("strptime") else f"TRY_{read}" for read in reads]
    rest = f"; {left:,} of the texts, such as {excerpt(str(such))!r}, give NULL then" if left else ""
    if len(best) > 1 and best[0].read.startswith("strptime"):
        return f"cast it in a view with {' or '.join(reads)}: the texts fit each{rest}"
    return f"cast it in a view, {reads[0]}{best[0].said}{rest}"


def _best(con: duckdb.DuckDBPyConnection, texts: str, forms: tuple[Form, ...]) -> tuple[Form, ...]:
    """The forms that read most of these texts; none if none reads half of them."""
    if not forms:
        return ()
    counted = ", ".join(f"count(*) FILTER ({form.tried('t')})" for form in forms)
    row = one(con, f"SELECT count(*) FILTER (trim(t) <> ''), {counted} FROM ({texts})") or (0,)
    most = max(row[1:], default=0)
    return tuple(form for form, n in zip(forms, row[1:], strict=True) if n == most) if most * 2 > row[0] else ()
