"""Exit codes, and a readable message for errors that the user can mend; our own mistakes show a traceback."""

import re
import sys
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from sqlscore.errors import SqlscoreError
from sqlscore.excerpts import engine_message

OK = 0
MENDABLE = 1
USAGE = 2
PROBLEM_FOUND = 3
INTERRUPTED = 130

_LINES = 24
_RAISED_IN_SQL = "Invalid Input Error: "
_ENGINE_PREFIX = "Python exception occurred while executing the UDF: "

_HINTS = (
    (
        re.compile(r"Cannot extract field '.*' from expression \".*\" because it is not a struct", re.DOTALL),
        "A row function, such as predict_next_action, takes the alias of a table: "
        "SELECT user_id, predict_next_action(e) FROM events e GROUP BY user_id. For a list of actions, or for list(e), "
        "use its twin: list_predict_next_action(['view', 'cart']).",
    ),
    (
        re.compile(r'Could not find key ".*" in struct'),
        "A row function, such as churn_risk(e), reads the columns that are mapped, by their own names: pass the mapped "
        "table, or a relation with its columns. Over sqlscore.events, use the list form: list_churn_risk(list(e)).",
    ),
    (
        re.compile(r"No space left on device|Disk quota exceeded"),
        "The disk is full. What was written before is as it was: make room, then run it again.",
    ),
    (
        re.compile(r"Read-only file system|Permission denied"),
        "This user may not do that there: change the rights of the folder and the file, or copy the file elsewhere. "
        "What can be read is read with `sqlscore sql DB --read-only`.",
    ),
    (
        re.compile(r'Table "mapped_event" does not have a column'),
        "A column of the mapped events was renamed or dropped: `sqlscore status DB` says which; bring it back, or map "
        "the events as they are now with `sqlscore init`.",
    ),
)
"""What to do about errors of the engine and of the system whose own text does not say it."""


class GuardedGroup(TyperGroup):
    """A group of commands whose expected errors end in an exit code, never in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error that the user can mend ends in `fail`."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            fail("interrupted", INTERRUPTED)
        except BrokenPipeError:
            raise  # the reader of a pipe has closed it: typer handles that
        except Exception as error:
            if not is_mendable(error):
                raise
            fail(message_of(error), MENDABLE)


def is_mendable(error: Exception) -> bool:
    """Whether the user can do something about it: our own errors, the engine's, and files."""
    engine = sys.modules.get("duckdb")
    kinds = (SqlscoreError, OSError) if engine is None else (SqlscoreError, OSError, engine.Error)
    return isinstance(error, kinds)


def message_of(error: BaseException) -> str:
    """The error's text without the engine's wrapping of errors from inside a function, cut to a screen.

    If the engine refuses a call of a function before sqlscore sees it, the text says what to write instead.
    """
    said = str(error) if isinstance(error, SqlscoreError | OSError) else engine_message(error)
    text = said.strip() or type(error).__name__
    if _ENGINE_PREFIX in text:
        inner = text.split(_ENGINE_PREFIX, 1)[1]
        kind, separator, rest = inner.partition(": ")
        text = rest if separator and kind.isidentifier() else inner
    text = text.removeprefix(_RAISED_IN_SQL)
    lines = text.splitlines()
    lines += [hint for pattern, hint in _HINTS if pattern.search(text)]
    return "\n".join(lines if len(lines) <= _LINES else [*lines[:_LINES], "…"])


def show_error(text: str) -> None:
    """Print a message on stderr, after the word "Error", in red on a terminal."""
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True, soft_wrap=True).print(Text("Error: ", "bold red") + Text(text), highlight=False)


def show_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Print a Python warning without the line of code that it came from."""
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True, soft_wrap=True).print(Text("! ", "bold yellow") + Text(str(message)), highlight=False)


def fail(text: str, code: int = MENDABLE) -> NoReturn:
    """Print an error and end the command."""
    show_error(text)
    raise typer.Exit(code)
