"""The one place where names and literals become SQL text."""

from sqlglot import exp


def identifier(name: str) -> str:
    """`name` as a quoted SQL identifier, whatever characters it holds."""
    return exp.to_identifier(name, quoted=True).sql("duckdb")


def qualified(*parts: str) -> str:
    """Quoted parts joined by dots: catalog, schema, table or the like."""
    return ".".join(identifier(part) for part in parts)


def literal(text: str) -> str:
    """`text` as a SQL string literal, for the places that take no bound parameter (DDL)."""
    return exp.Literal.string(text).sql("duckdb")
