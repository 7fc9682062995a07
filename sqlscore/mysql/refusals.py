"""Why a statement is not answered, as MySQL numbers it."""

from __future__ import annotations

import re

import duckdb
from mysql_mimic.errors import MysqlError

from sqlscore.errors import SqlscoreError, StatementError
from sqlscore.excerpts import engine_message

BAD_HANDSHAKE = 1043
ACCESS_DENIED = 1045
UNKNOWN_COMMAND = 1047
UNKNOWN_DATABASE = 1049
UNKNOWN_COLUMN = 1054
SYNTAX = 1064
EMPTY = 1065
UNKNOWN = 1105
NO_SUCH_THREAD = 1094
NO_SUCH_TABLE = 1146
PACKET_TOO_LARGE = 1153
UNKNOWN_VARIABLE = 1193
WRONG_ARGUMENTS = 1210
SPECIAL_RIGHT_NEEDED = 1227
WRONG_VALUE_OF_VARIABLE = 1231
NOT_SUPPORTED = 1235
UNKNOWN_STATEMENT = 1243
READ_ONLY = 1290
WRONG_VALUE = 1292
UNKNOWN_TIME_ZONE = 1298
WRONG_TEXT = 1300
NO_SUCH_FUNCTION = 1305
INTERRUPTED = 1317
FUNCTION_DENIED = 1370
TOO_MANY_STATEMENTS = 1461
TOO_MANY_CLIENTS = 1040
TIMEOUT = 3024
OUT_OF_MEMORY = 1038

_STATES = {
    TOO_MANY_CLIENTS: "08004",
    BAD_HANDSHAKE: "08S01",
    ACCESS_DENIED: "28000",
    UNKNOWN_COMMAND: "08S01",
    UNKNOWN_DATABASE: "42000",
    UNKNOWN_COLUMN: "42S22",
    SYNTAX: "42000",
    EMPTY: "42000",
    NO_SUCH_TABLE: "42S02",
    PACKET_TOO_LARGE: "08S01",
    SPECIAL_RIGHT_NEEDED: "42000",
    WRONG_VALUE_OF_VARIABLE: "42000",
    NOT_SUPPORTED: "42000",
    WRONG_VALUE: "22007",
    NO_SUCH_FUNCTION: "42000",
    INTERRUPTED: "70100",
    FUNCTION_DENIED: "42000",
    TOO_MANY_STATEMENTS: "42000",
    OUT_OF_MEMORY: "HY001",
}
_OF_GUARD = {
    "form": SYNTAX,
    "kind": READ_ONLY,
    "function": FUNCTION_DENIED,
    "table": NO_SUCH_TABLE,
    "setting": FUNCTION_DENIED,
    "time": TIMEOUT,
}
_POSITION = re.compile(r"\s*\n\s*LINE \d+:.*", re.DOTALL)


class Refusal(Exception):  # noqa: N818 - it is an answer
    """An answer that is an error. code: MySQL's number, one of this module."""

    def __init__(self, code: int, message: str) -> None:
        """See the class."""
        super().__init__(message)
        self.code = code


KNOWN = (Refusal, MysqlError, SqlscoreError)
"""Errors that say what was wrong; others are the server's own."""


def state(code: int) -> str:
    """The five characters of SQLSTATE that go with a number."""
    return _STATES.get(code, "HY000")


def refusal(error: Exception) -> Refusal:
    """An error of any kind as a client sees it."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, MysqlError):
        return Refusal(int(error.code), error.msg)
    if isinstance(error, StatementError):
        cause = error.__cause__
        if not error.about and isinstance(cause, duckdb.Error):
            # What follows the first lines is the statement as DuckDB got it, which the client did not write.
            return Refusal(_code(cause), _POSITION.sub("", engine_message(cause)))
        return Refusal(_OF_GUARD.get(error.about, UNKNOWN), str(error).replace("SHOW ALL TABLES", "SHOW TABLES"))
    if isinstance(error, SqlscoreError):
        return Refusal(UNKNOWN, str(error))
    return Refusal(UNKNOWN, f"the statement failed ({type(error).__name__}): the log of the server says more")


def _code(error: duckdb.Error) -> int:
    text = str(error)
    if isinstance(error, duckdb.ParserException):
        return SYNTAX
    if isinstance(error, duckdb.CatalogException):
        return NO_SUCH_FUNCTION if "Function with name" in text else NO_SUCH_TABLE
    if isinstance(error, duckdb.BinderException):
        is_column = "column" in text and ("not found" in text or "does not have a column" in text)
        return UNKNOWN_COLUMN if is_column else WRONG_ARGUMENTS
    if isinstance(error, duckdb.ConversionException | duckdb.OutOfRangeException):
        return WRONG_VALUE
    if isinstance(error, duckdb.OutOfMemoryException):
        return OUT_OF_MEMORY
    if isinstance(error, duckdb.InterruptException):
        return INTERRUPTED
    return UNKNOWN
