"""A proof by running: what a query says of the past may not change when the future is taken away."""

from __future__ import annotations

import random
from calendar import monthrange
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb

from sqlscore.excerpts import excerpt
from sqlscore.linting.catalog import Catalog
from sqlscore.linting.copies import Copy
from sqlscore.linting.lint import Text
from sqlscore.linting.reading.statements import printed
from sqlscore.linting.reading.texts import parsed
from sqlscore.linting.values import Moment
from sqlscore.linting.verdicts import Judged
from sqlscore.linting.zones import SECONDS

N_CUTS = 4
_SHOWN = 3  # differences
_EPOCH = datetime(1970, 1, 1)

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Proof:
    """What running a query with and without its future showed.

    Attributes:
        name: of the text.
        cuts: the moments after which everything was taken away.
        leaks: differences, each with the row.
        problem: why it could not be run, None if it was.
    """

    name: str
    cuts: tuple[str, ...] = ()
    leaks: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class _Columns:
    """The columns of a result: all, those that are compared, who it is of, and the row's moment with its offset."""

    names: tuple[str, ...]
    compared: tuple[int, ...]
    user: int | None
    moment: int | None
    offset: float


def proven(known: Catalog, text: Text, outputs: tuple[Judged, ...], seed: int) -> Proof:
    """Run a query on a copy of the data, whole and without what came after random moments, and compare.

    Rows of moments up to the cut have to be the same, but for labels, and for users who were not seen by then.

    Args:
        known: What the file has; it is only read.
        text: The query.
        outputs: What the linter makes of it: the moment of its rows, and which columns are labels.
        seed: Of the random moments.
    """
    queries, _ = parsed(text.sql, text.name)
    if len(queries) != 1 or len(outputs) != 1:
        return Proof(text.name, problem="it is not one SELECT")
    (judged,) = outputs
    if judged.moment is None:
        return Proof(text.name)
    try:
        copy = Copy(known, queries[0][0])
        try:
            return replace(_compared(copy, printed(queries[0][0]), judged, judged.moment, seed), name=text.name)
        finally:
            copy.close()
    except duckdb.Error as error:
        return Proof(text.name, problem=excerpt(str(error).splitlines()[0], 300))


def _compared(copy: Copy, query: str, judged: Judged, moment: Moment, seed: int) -> Proof:
    names, rows = _run(copy, query)
    if Counter(map(_plain, rows)) != Counter(map(_plain, _run(copy, query)[1])):
        return Proof("", problem="it gives other rows each time")
    columns = _columns(names, judged, moment)
    if columns.moment is None and moment.var.kind != "epoch":
        return Proof("", problem="no column of the result says of which moment a row is")
    cuts = _cuts(rows, columns, moment, seed)
    leaks: list[str] = []
    values = judged.output.relation.columns
    reckoned = any("label" not in values[name].tags for name in judged.labels)  # not from a table of labels
    for cut in cuts:
        with copy.until(cut):
            users = copy.users()
            _, without = _run(copy, query)
        leaks += _differences(rows, without, columns, cut, users, reckoned)
    return Proof("", tuple(cut.isoformat(sep=" ") for cut in cuts), tuple(leaks[:_SHOWN]))


def _run(copy: Copy, query: str) -> tuple[tuple[str, ...], list[Row]]:
    result = copy.con.execute(query)
    names = tuple(column[0].casefold() for column in result.description or ())
    return names, result.fetchall()


def _columns(names: tuple[str, ...], judged: Judged, moment: Moment) -> _Columns:
    values = judged.output.relation.columns
    user = next((place for place, name in enumerate(names) if name in values and "user" in values[name].tags), None)
    place, offset = None, 0.0
    for at, name in enumerate(names):
        found = values[name].moment if name in values else None
        if found is not None and found.var == moment.var and place is None:
            place, offset = at, moment.high - found.high
    left_out = set(judged.labels) | {
        name for name, value in values.items() if value.moment is not None and value.moment.var.kind == "wall"
    }
    compared = tuple(at for at, name in enumerate(names) if name not in left_out)
    return _Columns(names, compared, user, place, offset)


def _cuts(rows: list[Row], columns: _Columns, moment: Moment, seed: int) -> list[datetime]:
    """Random moments of rows; the fixed moment if that is the one of all rows."""
    if columns.moment is None:
        return [_EPOCH + timedelta(seconds=moment.high)]
    moments = sorted({at for row in rows if (at := _moment_of(row, columns)) is not None})
    if len(moments) <= N_CUTS:
        return moments
    return sorted(random.Random(seed).sample(moments[:-1], N_CUTS))  # noqa: S311 - no secret


def _moment_of(row: Row, columns: _Columns) -> datetime | None:
    value = row[columns.moment] if columns.moment is not None else None
    if isinstance(value, datetime):
        at = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo is not None else value
    elif isinstance(value, date):
        at = datetime(value.year, value.month, value.day)
    else:
        return None
    return _later(at, columns.offset)


def _later(at: datetime, seconds: float) -> datetime:
    """The moment so many seconds later; what counts as months of mean length is as many months of the calendar."""
    months = round(seconds / SECONDS["month"])
    if months and abs(seconds - months * SECONDS["month"]) < 1.0:
        year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
        return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))
    return at + timedelta(seconds=seconds)


def _differences(
    rows: list[Row], without: list[Row], columns: _Columns, cut: datetime, users: set[object], labelled: bool
) -> list[str]:
    """What the two runs say differently of moments up to the cut."""

    def past(row: Row) -> bool:
        at = _moment_of(row, columns)
        seen = columns.user is None or row[columns.user] in users
        return seen and (columns.moment is None or (at is not None and at <= cut))

    def compared(row: Row) -> tuple[str, ...]:
        return _plain(tuple(row[place] for place in columns.compared))

    before, after = (Counter(compared(row) for row in some if past(row)) for some in (rows, without))
    key = _key(columns)
    others: dict[tuple[str, ...], tuple[str, ...]] = {key(row): row for row in (after - before)}
    found: list[str] = []
    for row in before - after:
        other = others.get(key(row))
        if other is None and labelled and key(row) not in {key(one) for one in after}:
            continue  # a row whose label is not known yet is not there yet
        found.append(_difference(row, other, columns, cut))
    if not found and (after - before) and not labelled:
        found.append(_difference(next(iter(after - before)), None, columns, cut))
    return found


def _key(columns: _Columns) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    places = [at for at, place in enumerate(columns.compared) if place in (columns.user, columns.moment)]
    return lambda row: tuple(row[at] for at in places)


def _difference(row: tuple[str, ...], other: tuple[str, ...] | None, columns: _Columns, cut: datetime) -> str:
    names = [columns.names[place] for place in columns.compared]
    said = ", ".join(f"{name} {value}" for name, value in zip(names, row, strict=True))
    if other is None:
        return f"without what came after {cut.isoformat(sep=' ')}, there is another number of rows like ({said})"
    changed = ", ".join(
        f"{name} is {theirs} instead of {mine}"
        for name, mine, theirs in zip(names, row, other, strict=True)
        if mine != theirs
    )
    return f"without what came after {cut.isoformat(sep=' ')}, {changed} in ({said})"


def _plain(row: Row) -> tuple[str, ...]:
    """Values as text, numbers to nine digits: sums in another order differ in the last ones."""
    return tuple(f"{value:.9g}" if isinstance(value, float) else str(value) for value in row)
