"""The interactive prompt of `sqlscore sql`: history, colours, completion, statements over several lines."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import duckdb
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import FuzzyCompleter, WordCompleter
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from pygments.lexers.sql import SqlLexer

from sqlscore.cli.errors import is_mendable, message_of, show_error
from sqlscore.cli.interrupt import interruptible
from sqlscore.cli.results import SHOWN, run
from sqlscore.udfs.functions import PREFIX

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

HELP = """\
Statements end with ; and may span lines. Ctrl-C drops what is typed or stops a query, Ctrl-D leaves.
  .help       this text
  .tables     tables and views
  .functions  the scoring functions
  .mode       .mode line shows a line for each value, .mode table a box again
  .quit       leave
"""

_TABLES = (
    "SELECT table_schema AS schema, table_name AS name, table_type AS type FROM information_schema.tables ORDER BY ALL"
)
_FUNCTIONS = """
    SELECT DISTINCT function_name || '(' || array_to_string(parameters, ', ') || ')' AS function, coalesce(comment, '')
    FROM duckdb_functions()
    WHERE function_name IN (SELECT function FROM sqlscore.objects)
    ORDER BY function"""
_DOT_COMMANDS = (".tables", ".functions")
_WORDS = """
    SELECT upper(keyword_name) FROM duckdb_keywords() WHERE keyword_category = 'reserved'
    UNION SELECT upper(unnest(['by', 'over', 'partition', 'rows', 'preceding', 'current row', 'filter', 'explain']))
    UNION SELECT function_name FROM duckdb_functions()
          WHERE regexp_full_match(function_name, '[a-z][a-z0-9_]*') AND NOT starts_with(function_name, ?)
    UNION SELECT CASE WHEN table_schema = 'main' THEN table_name ELSE table_schema || '.' || table_name END
          FROM information_schema.tables
    UNION SELECT column_name FROM information_schema.columns"""


def interact(
    con: duckdb.DuckDBPyConnection,
    rows: int,
    input_: Input | None = None,
    output: Output | None = None,
    format_: str = "table",
) -> None:
    """Read and run statements until the end of input. Errors are shown and the prompt comes back."""
    session: PromptSession[str] = PromptSession(
        history=history(),
        lexer=PygmentsLexer(SqlLexer),
        multiline=True,
        key_bindings=_keys(),
        complete_while_typing=True,
        prompt_continuation=lambda width, *_: "... ".rjust(width),
        input=input_,
        output=output,
    )
    sys.stdout.write("sqlscore: SQL ends with ;  .help tells more\n")
    while True:
        try:
            text = session.prompt("sqlscore> ", completer=_completer(con)).strip()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        if text in (".quit", ".exit"):
            return
        command, _, chosen = text.partition(" ")
        if command == ".mode":
            format_ = _mode(chosen.strip(), format_)
        elif text:
            _run_one(con, text, rows, format_)


def complete(text: str) -> bool:
    """Whether Enter should run `text`: a dot command, nothing, or SQL whose last token is a semicolon."""
    stripped = text.strip()
    if not stripped or stripped.startswith("."):
        return True
    if not stripped.endswith(";"):
        return False
    tokens = duckdb.tokenize(stripped)
    return bool(tokens) and tokens[-1][0] == len(stripped.encode()) - 1 and tokens[-1][1] == duckdb.token_type.operator


def history() -> History:
    """A file in the user's state folder, or memory if that cannot be written."""
    base = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".local" / "state"
    folder = Path(base, "sqlscore")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / "history").touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(folder / "history"))


def words(con: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """The words that are completed: keywords, functions, tables, columns."""
    with con.cursor() as cursor:
        for (word,) in cursor.execute(_WORDS, [PREFIX]).fetchall():
            yield word


def _mode(chosen: str, before: str) -> str:
    """The format that `.mode` names; if it names none, the one before, after an error."""
    if chosen in SHOWN:
        return chosen
    show_error(f"a mode is one of {', '.join(SHOWN)}: write .mode line")
    return before


def _run_one(con: duckdb.DuckDBPyConnection, text: str, rows: int, format_: str) -> None:
    if text == ".help":
        sys.stdout.write(HELP)
        return
    if text.startswith(".") and text not in _DOT_COMMANDS:
        show_error(f"there is no command {text}: .help lists them")
        return
    try:
        if text == ".functions":
            sys.stdout.write(functions(con, shutil.get_terminal_size().columns))
        else:
            interruptible(con, lambda: run(con, _TABLES if text == ".tables" else text, format_, rows=rows))
    except KeyboardInterrupt:
        show_error("interrupted")
    except Exception as error:
        if not is_mendable(error):
            raise
        show_error(message_of(error))


def functions(con: duckdb.DuckDBPyConnection, width: int) -> str:
    """The scoring functions with what each gives, in lines of this width; a name or a parameter is never cut."""
    lines = []
    for function, comment in con.execute(_FUNCTIONS).fetchall():
        for text, indent in ((function, ""), (comment, "    ")):
            further = indent or "      "
            lines += wrap(text, width, initial_indent=indent, subsequent_indent=further, **_WHOLE_WORDS)
    return "".join(f"{line}\n" for line in lines)


_WHOLE_WORDS: Any = {"break_long_words": False, "break_on_hyphens": False}


def _completer(con: duckdb.DuckDBPyConnection) -> FuzzyCompleter:
    return FuzzyCompleter(WordCompleter(sorted(set(words(con))), ignore_case=True, WORD=False))


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @Condition
    def ready() -> bool:
        from prompt_toolkit.application import get_app

        return complete(get_app().current_buffer.text)

    @keys.add("enter", filter=ready)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    return keys
