"""A group's events as one text: the SQL that the row functions aggregate; `unpacking` reads it.

`list(struct)` is the engine's most expensive way to collect a group's rows where they do not stand together, as in a
log in order of time: one `string_agg` of each row as text costs it half, in OVER a fifth. It still is a single
aggregate, which is all that a macro in OVER may hold.

An event is written as

    time SEP  length SEP ...  value SEP ...  value END

with the time in µs since 1970 (UTC), then the length in bytes of every value, then the values: action, user, and for
each feature, and each column that only orders events of one moment, a letter for its type followed by its text, or
nothing if it is NULL; where events have groups, last the newest event of the event's group in 20 characters. SEP and
END may occur in a value: the lengths say so, and such texts are read event by event. A user who is a whole number has
none.
"""

from __future__ import annotations

import hashlib

from sqlscore.events.mapping import NO_TIME, Mapping
from sqlscore.events.times_in_sql import INTEGERS, TIMESTAMPS, ZONED, microseconds_of_any, wrong_time, wrong_type
from sqlscore.quoting import SYSTEM, identifier, literal, literals

FIELD = "open_this_file_with_sqlscore_connect__packed_"
"""What `field_of` begins with."""

END, SEP = 0x1E, 0x1F
USER = 1
"""Which of the values is the user."""

_WIDTH = 20  # of an int64 in digits

_KIND = "\x1f"  # stands for a type in a message
_ACTIONS = ("VARCHAR", "JSON", "UUID", "BOOLEAN", '"NULL"', *INTEGERS)
_LETTERS = {
    "i": f"{{0}} IN ({literals(kind for kind in INTEGERS if kind != 'UBIGINT')})",
    "d": "{0} IN ('UBIGINT', 'HUGEINT', 'UHUGEINT') OR {0} LIKE 'DECIMAL(%'",
    "f": "{0} = 'FLOAT'",
    "g": "{0} = 'DOUBLE'",
    "b": "{0} = 'BOOLEAN'",
}
_TEXTS = "{0} IN ('VARCHAR', 'JSON', 'UUID', '\"NULL\"') OR {0} LIKE 'ENUM(%'"


def field_of(mapping: Mapping) -> str:
    """The field of the struct that carries the text.

    It says what the text is, as no VARCHAR of the user's own does, and in which order the mapping's columns are in it:
    functions of another file, or of a mapping that has just changed, must not be read by this one.
    """
    read = repr((mapping.columns, mapping.time_unit, mapping.time_cap))
    if mapping.order or mapping.exclude_types:
        read += repr((mapping.order, mapping.exclude_types))
    if mapping.group is not None:
        read += repr(mapping.group)
    return FIELD + hashlib.sha256(read.encode()).hexdigest()[:16]


def packed(mapping: Mapping, newest: str | None = None) -> str:
    """SQL: the aggregate over rows called e, which have the mapping's columns. Unusable events are left out.

    newest: SQL, for a row e, of the newest event of its group, where the mapping has groups.

    The query raises an error that names the column if a time, an action or a feature cannot have its type.
    """
    user, time, action, *extras = (f"e.{identifier(name)}" for name in mapping.columns)
    moment = microseconds_of_any(time, mapping.time_unit, _raising(wrong_time(mapping, _KIND), time))
    usable = f"{action} IS NOT NULL AND {user} IS NOT NULL"
    if mapping.time_cap is not None:
        usable += f" AND {moment} <= {int(mapping.time_cap)}"
    if mapping.exclude_types:
        usable += f" AND {action_text(mapping, action)} NOT IN ({literals(mapping.exclude_types)})"
    n_features = len(mapping.features)
    features, orders = extras[:n_features], extras[n_features:]
    places = [_place(name, column) for name, column in zip(mapping.extras[n_features:], orders, strict=True)]
    values = [
        action_text(mapping, action),
        _text(user),
        *(_lettered(f.name, column) for f, column in zip(mapping.features, features, strict=True)),
        *places,
    ]
    lengths = [f"{SYSTEM}.strlen({_text(action)})", _length_of_user(user)]
    lengths += [f"coalesce(1 + {SYSTEM}.strlen({_text(feature)}), 0)" for feature in features]
    lengths += [f"{SYSTEM}.strlen({place})" for place in places]
    if newest is not None:  # of a fixed width, so that it is looked up once
        values.append(f"{SYSTEM}.printf('%0{_WIDTH}d', coalesce({SYSTEM}.epoch_us({newest}), {NO_TIME}))")
        lengths.append(literal(str(_WIDTH)))
    separator = f"{SYSTEM}.chr({SEP})"
    rest = f", {separator}, ".join([*lengths, *values])
    # || is NULL for an infinite time; concat would not be, and does the rest in one pass
    values_text = f"{SYSTEM}.concat({separator}, {rest}, {SYSTEM}.chr({END}))"
    text = f"CASE WHEN {usable} THEN {_text(moment)} || {values_text} END"
    return f"{SYSTEM}.struct_pack({identifier(field_of(mapping))} := {SYSTEM}.string_agg({text}, ''))"


def _text(column: str) -> str:
    return f"CAST({column} AS VARCHAR)"


def _length_of_user(user: str) -> str:
    """SQL: the length of the user's text, '' for whole numbers, in which no mark can be."""
    length = f"{SYSTEM}.strlen({_text(user)})"
    return f"CASE WHEN {SYSTEM}.typeof({user}) IN ({literals(INTEGERS)}) THEN '' ELSE {_text(length)} END"


def _lettered(name: str, feature: str) -> str:
    """SQL: a feature as the letter of its type and its text, '' if it is NULL."""
    kind = f"{SYSTEM}.typeof({feature})"
    cases = {**_LETTERS, "t": _TEXTS}
    letters = " ".join(f"WHEN {condition.format(kind)} THEN '{letter}'" for letter, condition in cases.items())
    wrong = _raising(wrong_type(name, _KIND, "a number or a category", "DOUBLE or VARCHAR"), feature)
    return f"coalesce(CASE {letters} ELSE {wrong} END || {_text(feature)}, '')"


def _place(name: str, column: str) -> str:
    """SQL: a value that orders events, as `_lettered` gives it; a time as its microseconds."""
    moment = microseconds_of_any(column, None, "NULL")
    is_time = f"{SYSTEM}.typeof({column}) IN ({literals((*TIMESTAMPS, ZONED))})"
    return f"CASE WHEN {is_time} THEN coalesce('i' || {_text(moment)}, '') ELSE {_lettered(name, column)} END"


def action_text(mapping: Mapping, action: str) -> str:
    """SQL: the action as text, or an error if its type cannot be that of an action."""
    wrong = _raising(wrong_type(mapping.event_type, _KIND, "VARCHAR or ENUM", "VARCHAR"), action)
    known = f"{SYSTEM}.typeof({action}) IN ({literals(_ACTIONS)}) OR {SYSTEM}.typeof({action}) LIKE 'ENUM(%'"
    return f"CASE WHEN {known} THEN {_text(action)} ELSE {wrong} END"


def _raising(message: str, column: str) -> str:
    """SQL that raises the message, with the column's type for _KIND, when the query is planned: by then it is known."""
    before, _, after = message.partition(_KIND)
    return f"{SYSTEM}.error({literal(before)} || {SYSTEM}.typeof({column}) || {literal(after)})"
