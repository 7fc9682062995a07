"""The one place where names and literals become SQL text.

DuckDB follows the standard: quoted text may hold anything, and a quote in it is doubled.
"""

import re
from collections.abc import Iterable

SYSTEM = "system.main"
"""The schema of the engine's own functions: by it they are found even if the user has macros of the same names."""


def identifier(name: str) -> str:
    """`name` as a quoted SQL identifier, whatever characters it holds."""
    return '"' + name.replace('"', '""') + '"'


def backquoted(name: str) -> str:
    """`name` as Spark quotes it: a column of this name, whatever characters it holds."""
    return "`" + name.replace("`", "``") + "`"


def qualified(*parts: str) -> str:
    """Quoted parts joined by dots: catalog, schema, table or the like."""
    return ".".join(identifier(part) for part in parts)


def unquoted(name: str) -> str:
    """A qualified name without the quotes of its parts, of which all, some or none have them: `a."b c"` is `a.b c`."""
    return re.sub(r'(^|(?<=\.))"((?:[^"]|"")+)"(?=\.|\Z)', lambda part: part[2].replace('""', '"'), name)


def literal(text: str) -> str:
    """`text` as a SQL string literal, for the places that take no bound parameter (DDL)."""
    return "'" + text.replace("'", "''") + "'"


def literals(texts: Iterable[str]) -> str:
    """Texts as SQL string literals with commas between, as IN takes them."""
    return ", ".join(map(literal, texts))
