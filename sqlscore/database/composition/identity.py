"""Events with the person in place of the device: an event's own user, or whoever had the device.

Ids are compared as text. Devices that nobody is known of become users named `device:` and their id; a user's own id
that begins with `device:` or `user:` gets another `user:` before it, so that no device is ever taken for a user.
"""

from __future__ import annotations

from sqlscore.database.events_query import SOURCE, source
from sqlscore.events.composition import IdentityRule
from sqlscore.events.times_in_sql import microseconds_of_any
from sqlscore.quoting import SYSTEM, identifier, literal


def identified(relation: str, rule: IdentityRule, user: str, time: str, early: str) -> str:
    """A query for the events in which the column `user` says who, as text.

    Args:
        relation: The SQL of a FROM clause: the events.
        rule: How the person is found.
        user: The name of the column that says who; it is added if the events have none (`rule.user` is None).
        time: SQL for the time of an event, a TIMESTAMP, over the alias SOURCE.
        early: An SQL condition over SOURCE: the event is not after the time cap. Logins after it are not known yet.
    """
    own = _text(source(rule.user)) if rule.user is not None else "CAST(NULL AS VARCHAR)"
    key = source(rule.device or rule.user or "")
    if rule.relation is None:
        found, join = _by_logins(relation, rule, key, time, early)
    elif rule.valid_from is not None or rule.valid_to is not None:
        found, join = _by_spans(rule, _text(key), time)
    elif rule.device is None and rule.chains:  # the chains say it all
        found, join = "CAST(NULL AS VARCHAR)", ""
    else:
        found, join = "had.person", f" LEFT JOIN ({_pairs(rule)}) AS had ON had.key = {_text(key)}"
    if rule.device is None:
        person = f"coalesce({found}, {own})"
        if rule.chains:
            join += f" LEFT JOIN ({ends_of(rule)}) AS last_step ON last_step.key = {person}"
            person = f"coalesce(last_step.person, {person})"
    else:
        if rule.chains:
            join += f" LEFT JOIN ({ends_of(rule)}) AS last_step ON last_step.key = coalesce({own}, {found})"
            own, found = f"coalesce(last_step.person, {own})", f"coalesce(last_step.person, {found})"
        own_first = f"WHEN {source(rule.user)} IS NOT NULL THEN {_apart(own)} " if rule.user is not None else ""
        person = f"CASE {own_first}WHEN {found} IS NOT NULL THEN {_apart(found)} ELSE 'device:' || {_text(key)} END"
    columns = f"{SOURCE}.* REPLACE ({person} AS {identifier(user)})"
    if rule.user is None:
        columns = f"{SOURCE}.*, {person} AS {identifier(user)}"
    return f"SELECT {columns} FROM {relation} AS {SOURCE}{join}"


def spans_of(rule: IdentityRule) -> str:
    """A query for the rows of the table: key, person, begins, ends (a TIMESTAMP, infinite if open), each once.

    Without a column for the end, a row holds until the next one of its key begins.
    """
    begins = _moment(rule.valid_from, "-infinity")
    ends = _moment(rule.valid_to, "infinity")
    if rule.valid_to is None and rule.valid_from is not None:
        ends = f"coalesce({SYSTEM}.lead(begins) OVER (PARTITION BY key ORDER BY begins), CAST('infinity' AS TIMESTAMP))"
        return f"SELECT *, {ends} AS ends FROM ({_rows(rule, f'{begins} AS begins')})"
    return _rows(rule, f"{begins} AS begins, {ends} AS ends")


def ends_of(rule: IdentityRule) -> str:
    """Each key with the person at the end of its chain. A circle has no end, and raises."""
    timeless = " AND ".join(f"{identifier(name)} IS NULL" for name in (rule.valid_from, rule.valid_to) if name)
    error = _error(rule, "' leads on in a circle'")
    return f"""WITH RECURSIVE steps AS (
            SELECT key, person FROM ({_pairs_of_steps(rule, timeless)}) WHERE key <> person
        ), walk AS (
            SELECT key, person FROM steps
            UNION SELECT w.key, s.person FROM walk AS w JOIN steps AS s ON s.key = w.person
        ), final AS (SELECT key, person FROM walk AS w WHERE NOT EXISTS (FROM steps AS s WHERE s.key = w.person))
        SELECT key, CASE WHEN f.person IS NULL THEN {error} ELSE f.person END AS person
        FROM steps LEFT JOIN final AS f USING (key)"""


def _by_logins(relation: str, rule: IdentityRule, device: str, time: str, early: str) -> tuple[str, str]:
    """The last user of a device, or the last one up to the event; before the first login, the first."""
    user = source(rule.user or "")
    logins = f"""SELECT {device} AS key, {user} AS person, {time} AS time FROM {relation} AS {SOURCE}
        WHERE {user} IS NOT NULL AND {device} IS NOT NULL AND {SYSTEM}.isfinite({time}) AND {early}"""
    if not rule.shared:
        newest = f"SELECT key, person, max(time) AS time FROM ({logins}) GROUP BY key, person"
        last = f"SELECT key, max({{'time': time, 'person': person}}).person AS person FROM ({newest}) GROUP BY key"
        return "had.person", f" LEFT JOIN ({_texts(last)}) AS had ON had.key = {device}"
    moments = f"SELECT key, time, max(person) AS person FROM ({logins}) GROUP BY key, time"
    before = f"SELECT *, {SYSTEM}.lag(person) OVER (PARTITION BY key ORDER BY time) AS other FROM ({moments})"
    spans = f"""SELECT key, person, CASE WHEN other IS NULL THEN CAST('-infinity' AS TIMESTAMP) ELSE time END AS begins
        FROM ({before}) WHERE other IS DISTINCT FROM person"""
    return "had.person", f" ASOF LEFT JOIN ({_texts(spans)}) AS had ON had.key = {device} AND had.begins <= {time}"


def _texts(rows: str) -> str:
    """Rows whose persons, compared by their own type so far, are texts."""
    return f"SELECT * REPLACE ({_text('person')} AS person) FROM ({rows})"


def _by_spans(rule: IdentityRule, key: str, time: str) -> tuple[str, str]:
    """Whoever had the device at the time of the event. Spans that overlap raise: one of them would be taken."""
    following = f"{SYSTEM}.lead(begins) OVER (PARTITION BY key ORDER BY begins, ends)"
    error = _error(rule, "' has spans that overlap, at ' || CAST(begins AS VARCHAR)")
    spans = f"""SELECT key, person, begins, CASE WHEN following < ends OR following = begins THEN {error} ELSE ends END
        AS ends FROM (SELECT *, {following} AS following FROM ({spans_of(rule)}) WHERE begins < ends)"""
    join = f" ASOF LEFT JOIN ({spans}) AS had ON had.key = {key} AND had.begins <= {time}"
    return f"CASE WHEN {time} < had.ends THEN had.person END", join


def _pairs(rule: IdentityRule) -> str:
    """The table as one row a key. A key with two persons raises: the join would double its events."""
    error = _error(rule, "' belongs to ' || min(person) || ' and to ' || max(person)")
    person = f"CASE WHEN min(person) = max(person) THEN min(person) ELSE {error} END"
    return f"SELECT key, {person} AS person FROM ({_rows(rule)}) GROUP BY key"


def _pairs_of_steps(rule: IdentityRule, timeless: str) -> str:
    if not timeless:
        return _pairs(rule)
    return f"SELECT key, min(person) AS person FROM ({_rows(rule, condition=timeless)}) GROUP BY key"


def _rows(rule: IdentityRule, more: str = "", condition: str = "true") -> str:
    """Rows of the table with a key and a person, each once."""
    key, person = identifier(rule.key), identifier(rule.person)
    columns = ", ".join([f"{_text(key)} AS key", f"{_text(person)} AS person", *([more] if more else [])])
    return f"""SELECT DISTINCT {columns} FROM {rule.relation}
        WHERE {key} IS NOT NULL AND {person} IS NOT NULL AND {condition}"""


def _moment(column: str | None, otherwise: str) -> str:
    """A TIMESTAMP in UTC; NULL and infinite ones are open ends."""
    if column is None:
        return f"CAST('{otherwise}' AS TIMESTAMP)"
    wrong = f"{SYSTEM}.error({literal(f'{column} of the identity table is no time')})"
    number = microseconds_of_any(identifier(column), None, f"CAST({wrong} AS BIGINT)")
    return f"coalesce({SYSTEM}.make_timestamp({number}), CAST('{otherwise}' AS TIMESTAMP))"


def _error(rule: IdentityRule, what: str) -> str:
    return f"{SYSTEM}.error({literal(f'{rule.key} ')} || key || {what} || {literal(f' in {rule.relation}')})"


def _apart(user: str) -> str:
    """The id of a user as it cannot be that of a device."""
    alike = f"{SYSTEM}.starts_with({user}, 'device:') OR {SYSTEM}.starts_with({user}, 'user:')"
    return f"CASE WHEN {alike} THEN 'user:' || {user} ELSE {user} END"


def _text(column: str) -> str:
    return f"CAST({column} AS VARCHAR)"
