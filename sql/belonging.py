"""Macros that read no other file than their own.

The engine looks up the names in a macro's body where the macro is called, not where it is kept: a macro of an attached
file would read the current file's events. Views are looked up where they are kept. So every macro that reads a table
carries the number of its file, and raises an error unless the tables that it finds are those of that file. A copy has
the same number; if one is attached beside the other, nobody can tell whose macro is called, and it raises too, except
in a view.
"""

from __future__ import annotations

import re

IN_VIEW = "in_view"
"""The parameter that these macros get besides their own: TRUE where a view of the same file calls them."""

FILE = "file"
"""The key in `sqlscore.meta`, and the name of the sequence in schema sqlscore, of the number of the file."""

_TABLES = "events|high_water|judged_interventions|models|reliability_bins|scored_users|user_vectors"
_READ = re.compile(rf"\b(FROM|JOIN) (sqlscore\.(?:{_TABLES})) AS ")
_CALLED = re.compile(r"\bsqlscore\.(\w+)\(")
_ARGUMENTS = r"(?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*"
"""The arguments of a call, with calls and queries in them, three brackets deep."""
_END_OF_PARAMETERS = re.compile(r"\n?\) AS TABLE\n")
_END_OF_COMMENT = re.compile(r"(COMMENT ON MACRO TABLE sqlscore\.\w+ IS\s*'(?:[^']|'')*)';")

_OTHER = (
    "this macro belongs to another database file than the current one, and would read the current one: make its file "
    "the current one (USE its name), or open that file by itself; its tables and views can be read as they are"
)
_COPIES = (
    "two attached databases are copies of one sqlscore file, and nothing tells which of their macros is called: DETACH "
    "one of them; tables and views can be read as they are"
)


def is_of_this_file(file: int, in_view: str = "false") -> str:
    """SQL for a condition that is true, or raises: what is read here belongs to the file with this number.

    Args:
        file: The number of the file that a macro is made for.
        in_view: SQL that is true where it does not matter whether a copy of the file is attached.
    """
    other, copies = (f"error('sqlscore: {text}')" for text in (_OTHER, _COPIES))
    return (
        f"(SELECT CASE WHEN f.here IS DISTINCT FROM '{file}' THEN {other} "
        f"WHEN NOT {in_view} AND f.copies > 1 THEN {copies} ELSE true END FROM (SELECT "
        f"(SELECT max(m.value) FROM sqlscore.meta AS m WHERE m.key = '{FILE}') AS here, "
        f"(SELECT count(*) FROM system.main.duckdb_sequences() AS s "
        f"WHERE s.sequence_name = '{FILE}' AND s.start_value = {file}) AS copies) AS f)"
    )


def is_no_copy(file: int) -> str:
    """SQL for a condition that is true, or raises: no copy of the file with this number is attached beside it.

    It reads no table of a file, so that it holds whatever is current. A function that uses models alone needs no more:
    it compares the number itself.
    """
    return (
        f"(SELECT CASE WHEN count(*) > 1 THEN error('sqlscore: {_COPIES}') ELSE true END "
        f"FROM system.main.duckdb_sequences() AS s WHERE s.sequence_name = '{FILE}' AND s.start_value = {file})"
    )


def belonging(text: str, kind: str, file: int, guarded: set[str]) -> str:
    """The text of a view or macro, with the check in it where it needs one.

    Args:
        text: As in its file, with the names of schema sqlscore.
        kind: view or macro.
        file: The number of the database file.
        guarded: Names of the macros that have the parameter; this one is added if it gets it.
    """
    called = guarded.intersection(_CALLED.findall(text))
    calls = re.compile(rf"\bsqlscore\.({'|'.join(sorted(called))})\(({_ARGUMENTS})\)") if called else None
    if kind == "view":
        return calls.sub(lambda call: _passing(call, "TRUE"), text) if calls else text
    condition = is_of_this_file(file, IN_VIEW)
    checked, n_reads = _READ.subn(lambda read: f"{read[1]} (SELECT * FROM {read[2]} WHERE {condition}) AS ", text, 1)
    if calls and n_reads:
        checked = calls.sub(lambda call: _passing(call, IN_VIEW), checked)
    elif calls:  # what it calls is looked up where it is called, too
        checked = calls.sub(lambda call: f"(SELECT * FROM {_passing(call, IN_VIEW)} WHERE {condition})", text)
    if checked == text:
        return text
    name = re.search(r"MACRO sqlscore\.(\w+)", text)
    if name is not None:
        guarded.add(name[1])
    checked = _END_OF_PARAMETERS.sub(f", {IN_VIEW} := FALSE) AS TABLE\n", checked, count=1)
    return _END_OF_COMMENT.sub(lambda comment: f"{comment[1]} {IN_VIEW} is for the views of the same file.';", checked)


def _passing(call: re.Match[str], value: str) -> str:
    given = f", {call[2].strip()}" if call[2].strip() else ""
    return f"sqlscore.{call[1]}({IN_VIEW} := {value}{given})"
