"""The table of who is who: what makes it unusable, at mapping and at every refresh."""

from __future__ import annotations

import duckdb

from sqlscore.database.composition.identity import ends_of, spans_of
from sqlscore.database.queries import one
from sqlscore.errors import EventsError, MappingError
from sqlscore.events.composition import Composition, IdentityRule
from sqlscore.quoting import identifier


def check_composition(con: duckdb.DuckDBPyConnection, parts: Composition) -> None:
    """Raise EventsError if the parts of composed events do not fit together any more."""
    if parts.identity is not None:
        check_identity(con, parts.identity)


def check_identity(con: duckdb.DuckDBPyConnection, rule: IdentityRule) -> None:
    """Raise EventsError if the table of who is who says two things of one device, or nothing, or goes in a circle.

    Rows that agree in all columns that are read say one thing.
    """
    if rule.relation is None:
        return
    key, person = identifier(rule.key), identifier(rule.person)
    n_rows, n_keys, n_persons = (
        one(con, f"SELECT count(*), count({key}), count({person}) FROM {rule.relation}") or (0,) * 3
    )
    for name, present in ((rule.key, n_keys), (rule.person, n_persons)):
        if present < n_rows:
            raise EventsError(
                f'{n_rows - present} of {n_rows} rows of the identity table {rule.relation} have no "{name}": leave '
                f"them out in a view, WHERE {identifier(name)} IS NOT NULL"
            )
    _check_spans(con, rule)
    if rule.chains:
        _check_circles(con, rule)
    elif rule.chains is None:
        _check_chains(con, rule)


def _check_spans(con: duckdb.DuckDBPyConnection, rule: IdentityRule) -> None:
    """Two rows of a key must not hold at the same time."""
    spans = spans_of(rule)
    row = one(con, f"SELECT key, begins, ends FROM ({spans}) WHERE ends < begins ORDER BY ALL LIMIT 1")
    if row is not None:
        raise EventsError(
            f'"{rule.key}" {row[0]} has a span that ends ({row[2]}) before it begins ({row[1]}) in the identity table '
            f"{rule.relation}: are valid_from and valid_to the wrong way round?"
        )
    row = one(
        con,
        f"""SELECT key, least(person, other), greatest(person, other), begins, following FROM (
                SELECT *, lead(begins) OVER place AS following, lead(person) OVER place AS other
                FROM ({spans}) WHERE begins < ends OR {"true" if rule.valid_to is None else "false"}
                WINDOW place AS (PARTITION BY key ORDER BY begins, ends, person))
            WHERE following < ends OR following = begins ORDER BY ALL LIMIT 1""",
    )
    if row is None:
        return
    key, person, other, begins, following = row
    if rule.valid_from is None and rule.valid_to is None:
        raise EventsError(
            f'"{rule.key}" {key} belongs to {person} and to {other} in the identity table {rule.relation}: leave one '
            "row a device, for example max_by(user, time) ... GROUP BY device in a view, or name the column of times "
            "from which each row holds (valid_from)"
        )
    raise EventsError(
        f"\"{rule.key}\" {key} has spans that overlap in the identity table {rule.relation}: {person}'s and {other}'s, "
        f"from {begins} and from {following}; end one where the next begins (a span holds up to its end, without it)"
    )


def _check_circles(con: duckdb.DuckDBPyConnection, rule: IdentityRule) -> None:
    """Chains must end."""
    try:
        con.execute(f"SELECT count(key), count(person) FROM ({ends_of(rule)})").fetchall()
    except duckdb.InvalidInputException as error:
        raise EventsError(
            f"the identity table has a chain without an end: {str(error).partition('Error: ')[2]}: decide which of "
            "these ids is the person, and take out the row that leads on from it"
        ) from error


def _check_chains(con: duckdb.DuckDBPyConnection, rule: IdentityRule) -> None:
    """Raise MappingError if a user is a key too, which may be a chain or a coincidence."""
    key, person = (f"CAST({identifier(name)} AS VARCHAR)" for name in (rule.key, rule.person))
    pairs = f"SELECT {key} AS key, {person} AS person FROM {rule.relation}"
    row = one(
        con,
        f"""SELECT a.key, a.person, b.person FROM ({pairs}) AS a JOIN ({pairs}) AS b ON b.key = a.person
            WHERE a.key <> a.person AND b.key <> b.person ORDER BY ALL LIMIT 1""",
    )
    if row is None:
        return
    key, person, further = row
    raise MappingError(
        f"{rule.relation} says that {key} belongs to {person}, and that {person} belongs to {further}: if {person} is "
        f'a user who became {further}, say Identity(..., chains=True) (--identity "TABLE: chains=true"); if a device '
        f"and a user happen to be called {person}, chains=False"
    )
