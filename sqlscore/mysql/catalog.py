"""The file's tables and columns in the words of MySQL's information_schema, as SQL of DuckDB."""

from __future__ import annotations

from mysql_mimic.constants import INFO_SCHEMA

from sqlscore.quoting import identifier, literal

_TYPES = {
    "BOOLEAN": ("tinyint", "tinyint(1)"),
    "TINYINT": ("tinyint", "tinyint"),
    "SMALLINT": ("smallint", "smallint"),
    "INTEGER": ("int", "int"),
    "BIGINT": ("bigint", "bigint"),
    "UTINYINT": ("tinyint", "tinyint unsigned"),
    "USMALLINT": ("smallint", "smallint unsigned"),
    "UINTEGER": ("int", "int unsigned"),
    "UBIGINT": ("bigint", "bigint unsigned"),
    "HUGEINT": ("decimal", "decimal(39,0)"),
    "UHUGEINT": ("decimal", "decimal(39,0)"),
    "FLOAT": ("float", "float"),
    "DOUBLE": ("double", "double"),
    "DATE": ("date", "date"),
    "TIME": ("time", "time(6)"),
    "TIMESTAMP": ("datetime", "datetime(6)"),
    "TIMESTAMP_S": ("datetime", "datetime(6)"),
    "TIMESTAMP_MS": ("datetime", "datetime(6)"),
    "TIMESTAMP_NS": ("datetime", "datetime(6)"),
    "TIMESTAMP WITH TIME ZONE": ("datetime", "datetime(6)"),
    "BLOB": ("longblob", "longblob"),
    "UUID": ("char", "char(36)"),
}
"""DuckDB's types: MySQL's name, and the type with its parameters. Whatever is not here goes as text."""


def _case(place: int) -> str:
    known = " ".join(f"WHEN {literal(name)} THEN {literal(kinds[place])}" for name, kinds in _TYPES.items())
    number = "'decimal'" if place == 0 else "lower(data_type)"
    return f"CASE data_type {known} ELSE if(data_type LIKE 'DECIMAL(%', {number}, 'longtext') END"


_TABLES = """
    SELECT 'def' AS TABLE_CATALOG, s AS TABLE_SCHEMA, t AS TABLE_NAME, k COLLATE NOCASE AS TABLE_TYPE,
           if(k = 'VIEW', NULL, 'DuckDB') AS ENGINE, if(k = 'VIEW', NULL, 10) AS VERSION,
           if(k = 'VIEW', NULL, 'Dynamic') AS ROW_FORMAT, n AS TABLE_ROWS, NULL::BIGINT AS AVG_ROW_LENGTH,
           NULL::BIGINT AS DATA_LENGTH, NULL::BIGINT AS MAX_DATA_LENGTH, NULL::BIGINT AS INDEX_LENGTH,
           NULL::BIGINT AS DATA_FREE, NULL::BIGINT AS AUTO_INCREMENT, NULL::TIMESTAMP AS CREATE_TIME,
           NULL::TIMESTAMP AS UPDATE_TIME, NULL::TIMESTAMP AS CHECK_TIME,
           if(k = 'VIEW', NULL, 'utf8mb4_bin') AS TABLE_COLLATION, NULL::BIGINT AS CHECKSUM,
           '' AS CREATE_OPTIONS, coalesce(c, if(k = 'VIEW', 'VIEW', '')) AS TABLE_COMMENT
    FROM (SELECT schema_name AS s, table_name AS t, 'BASE TABLE' AS k, estimated_size AS n, comment AS c
          FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal
          UNION ALL
          SELECT schema_name, view_name, 'VIEW', NULL, comment
          FROM duckdb_views() WHERE database_name = current_database() AND NOT internal)
"""
_KEYS = """
    SELECT schema_name AS s, table_name AS t, constraint_type AS k,
           if(constraint_type = 'PRIMARY KEY', 'PRIMARY', array_to_string(constraint_column_names, '_')) AS n,
           unnest(constraint_column_names) AS c, unnest(range(1, len(constraint_column_names) + 1)) AS p
    FROM duckdb_constraints()
    WHERE database_name = current_database() AND constraint_type IN ('PRIMARY KEY', 'UNIQUE')
"""
_COLUMNS = f"""
    SELECT 'def' AS TABLE_CATALOG, schema_name AS TABLE_SCHEMA, d.table_name AS TABLE_NAME,
           column_name AS COLUMN_NAME, column_index::BIGINT AS ORDINAL_POSITION, column_default AS COLUMN_DEFAULT,
           if(is_nullable, 'YES', 'NO') COLLATE NOCASE AS IS_NULLABLE, {_case(0)} COLLATE NOCASE AS DATA_TYPE,
           if({_case(0)} = 'longtext', 4294967295, NULL)::BIGINT AS CHARACTER_MAXIMUM_LENGTH,
           if({_case(0)} = 'longtext', 4294967295, NULL)::BIGINT AS CHARACTER_OCTET_LENGTH,
           if({_case(0)} IN ('float', 'double'), if(data_type = 'FLOAT', 12, 22), numeric_precision)::BIGINT
               AS NUMERIC_PRECISION,
           if({_case(0)} IN ('float', 'double'), NULL, numeric_scale)::BIGINT AS NUMERIC_SCALE,
           if({_case(0)} IN ('datetime', 'time'), 6, NULL)::BIGINT AS DATETIME_PRECISION,
           if({_case(0)} = 'longtext', 'utf8mb4', NULL) AS CHARACTER_SET_NAME,
           if({_case(0)} = 'longtext', 'utf8mb4_bin', NULL) AS COLLATION_NAME,
           {_case(1)} COLLATE NOCASE AS COLUMN_TYPE,
           CASE k.k WHEN 'PRIMARY KEY' THEN 'PRI' WHEN 'UNIQUE' THEN 'UNI' ELSE '' END COLLATE NOCASE AS COLUMN_KEY,
           '' COLLATE NOCASE AS EXTRA, 'select' AS PRIVILEGES, coalesce(comment, '') AS COLUMN_COMMENT,
           '' AS GENERATION_EXPRESSION, NULL::BIGINT AS SRS_ID
    FROM duckdb_columns() d
    LEFT JOIN (SELECT s, t, c, min(k) AS k FROM ({_KEYS}) GROUP BY ALL) k
        ON k.s = d.schema_name AND k.t = d.table_name AND k.c = d.column_name
    WHERE database_name = current_database() AND NOT internal
"""
_DATABASES = """
    SELECT 'def' AS CATALOG_NAME, schema_name AS SCHEMA_NAME, 'utf8mb4' AS DEFAULT_CHARACTER_SET_NAME,
           'utf8mb4_bin' AS DEFAULT_COLLATION_NAME, NULL::VARCHAR AS SQL_PATH, 'NO' AS DEFAULT_ENCRYPTION
    FROM duckdb_schemas()
    WHERE database_name = current_database() AND schema_name <> 'pg_catalog'
"""
_VIEWS = """
    SELECT 'def' AS TABLE_CATALOG, schema_name AS TABLE_SCHEMA, view_name AS TABLE_NAME, sql AS VIEW_DEFINITION,
           'NONE' AS CHECK_OPTION, 'NO' AS IS_UPDATABLE, '' AS DEFINER, 'INVOKER' AS SECURITY_TYPE,
           'utf8mb4' AS CHARACTER_SET_CLIENT, 'utf8mb4_bin' AS COLLATION_CONNECTION
    FROM duckdb_views() WHERE database_name = current_database() AND NOT internal
"""
_STATISTICS = f"""
    SELECT 'def' AS TABLE_CATALOG, s AS TABLE_SCHEMA, t AS TABLE_NAME, 0 AS NON_UNIQUE, s AS INDEX_SCHEMA,
           n AS INDEX_NAME, p::BIGINT AS SEQ_IN_INDEX, c AS COLUMN_NAME, 'A' AS "COLLATION",
           NULL::BIGINT AS CARDINALITY, NULL::BIGINT AS SUB_PART, NULL::VARCHAR AS PACKED,
           '' AS NULLABLE, 'ART' AS INDEX_TYPE, '' AS COMMENT,
           '' AS INDEX_COMMENT, 'YES' AS IS_VISIBLE, NULL::VARCHAR AS EXPRESSION
    FROM ({_KEYS})
"""
_KEY_COLUMNS = f"""
    SELECT 'def' AS CONSTRAINT_CATALOG, s AS CONSTRAINT_SCHEMA, n AS CONSTRAINT_NAME, 'def' AS TABLE_CATALOG,
           s AS TABLE_SCHEMA, t AS TABLE_NAME, c AS COLUMN_NAME, p::BIGINT AS ORDINAL_POSITION,
           NULL::BIGINT AS POSITION_IN_UNIQUE_CONSTRAINT, NULL::VARCHAR AS REFERENCED_TABLE_SCHEMA,
           NULL::VARCHAR AS REFERENCED_TABLE_NAME, NULL::VARCHAR AS REFERENCED_COLUMN_NAME
    FROM ({_KEYS})
"""
_CONSTRAINTS = f"""
    SELECT DISTINCT 'def' AS CONSTRAINT_CATALOG, s AS CONSTRAINT_SCHEMA, n AS CONSTRAINT_NAME, s AS TABLE_SCHEMA,
           t AS TABLE_NAME, k COLLATE NOCASE AS CONSTRAINT_TYPE, 'YES' AS ENFORCED
    FROM ({_KEYS})
"""
_ENGINES = """
    SELECT 'DuckDB' AS ENGINE, 'DEFAULT' AS SUPPORT, 'a DuckDB file, for reading' AS COMMENT, 'NO' AS TRANSACTIONS,
           'NO' AS XA, 'NO' AS SAVEPOINTS
"""
_CHARACTER_SETS = """
    SELECT 'utf8mb4' AS CHARACTER_SET_NAME, 'utf8mb4_bin' AS DEFAULT_COLLATE_NAME, 'Unicode' AS DESCRIPTION,
           4::BIGINT AS MAXLEN
"""
_COLLATIONS = """
    SELECT 'utf8mb4_bin' AS COLLATION_NAME, 'utf8mb4' AS CHARACTER_SET_NAME, 46::BIGINT AS ID, 'Yes' AS IS_DEFAULT,
           'Yes' AS IS_COMPILED, 1::BIGINT AS SORTLEN, 'NO PAD' AS PAD_ATTRIBUTE
"""


def _empty(columns: dict[str, str]) -> str:
    """A table without rows, for what DuckDB has none of."""
    kinds = {"INT": "BIGINT"}
    listed = (f"NULL::{kinds.get(kind, 'VARCHAR')} AS {identifier(name.upper())}" for name, kind in columns.items())
    return f"SELECT {', '.join(listed)} WHERE FALSE"


RELATIONS: dict[str, str] = {
    **{name: _empty(columns) for name, columns in INFO_SCHEMA["information_schema"].items()},
    "tables": _TABLES,
    "columns": _COLUMNS,
    "schemata": _DATABASES,
    "views": _VIEWS,
    "statistics": _STATISTICS,
    "key_column_usage": _KEY_COLUMNS,
    "table_constraints": _CONSTRAINTS,
    "engines": _ENGINES,
    "character_sets": _CHARACTER_SETS,
    "collations": _COLLATIONS,
}
"""The tables of information_schema by name, as queries."""
