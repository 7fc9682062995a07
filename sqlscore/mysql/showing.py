"""SHOW and DESCRIBE: queries of the catalog, with the columns that MySQL gives them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from sqlscore.mysql.catalog import RELATIONS
from sqlscore.mysql.refusals import NOT_SUPPORTED, Refusal
from sqlscore.quoting import identifier, literal, literals

_COLUMNS = """
    SELECT COLUMN_NAME AS Field, COLUMN_TYPE AS Type, {full} IS_NULLABLE AS "Null", COLUMN_KEY AS "Key",
           COLUMN_DEFAULT AS "Default", EXTRA AS Extra {rest}
    FROM ({columns}) WHERE TABLE_SCHEMA = {database} AND TABLE_NAME = {table} ORDER BY ORDINAL_POSITION
"""
_INDEXES = """
    SELECT TABLE_NAME AS "Table", NON_UNIQUE AS Non_unique, INDEX_NAME AS Key_name, SEQ_IN_INDEX AS Seq_in_index,
           COLUMN_NAME AS Column_name, "COLLATION" AS "Collation", CARDINALITY AS Cardinality, SUB_PART AS Sub_part,
           PACKED AS Packed, NULLABLE AS "Null", INDEX_TYPE AS Index_type, COMMENT AS Comment,
           INDEX_COMMENT AS Index_comment
    FROM ({statistics}) WHERE TABLE_SCHEMA = {database} AND TABLE_NAME = {table} ORDER BY Key_name, Seq_in_index
"""
_STATUS = """
    SELECT TABLE_NAME AS Name, ENGINE AS Engine, VERSION AS Version, ROW_FORMAT AS Row_format, TABLE_ROWS AS "Rows",
           AVG_ROW_LENGTH AS Avg_row_length, DATA_LENGTH AS Data_length, MAX_DATA_LENGTH AS Max_data_length,
           INDEX_LENGTH AS Index_length, DATA_FREE AS Data_free, AUTO_INCREMENT AS Auto_increment,
           CREATE_TIME AS Create_time, UPDATE_TIME AS Update_time, CHECK_TIME AS Check_time,
           TABLE_COLLATION AS "Collation", CHECKSUM AS Checksum, CREATE_OPTIONS AS Create_options,
           TABLE_COMMENT AS Comment
    FROM ({tables}) WHERE TABLE_SCHEMA = {database} ORDER BY Name
"""
_DATABASES = 'SELECT SCHEMA_NAME AS "Database" FROM ({schemata}) ORDER BY 1'
_CHARACTER_SETS = """
    SELECT CHARACTER_SET_NAME AS Charset, DESCRIPTION AS Description, DEFAULT_COLLATE_NAME AS "Default collation",
           MAXLEN AS Maxlen
    FROM ({character_sets})
"""
_COLLATIONS = """
    SELECT COLLATION_NAME AS "Collation", CHARACTER_SET_NAME AS Charset, ID AS Id, IS_DEFAULT AS "Default",
           IS_COMPILED AS Compiled, SORTLEN AS Sortlen
    FROM ({collations})
"""
_FIXED = {
    "DATABASES": ("Database", _DATABASES),
    "SCHEMAS": ("Database", _DATABASES),
    "ENGINES": ("ENGINE", "FROM ({engines})"),
    "CHARACTER SET": ("Charset", _CHARACTER_SETS),
    "COLLATION": ("Collation", _COLLATIONS),
}
_NONE = {
    "STATUS": ("Variable_name", "Value"),
    "WARNINGS": ("Level", "Code", "Message"),
    "ERRORS": ("Level", "Code", "Message"),
    "PLUGINS": ("Name", "Status", "Type", "Library", "License"),
    "TRIGGERS": ("Trigger", "Event", "Table", "Statement", "Timing"),
    "EVENTS": ("Db", "Name", "Definer", "Status"),
    "PROCEDURE STATUS": ("Db", "Name", "Type", "Definer"),
    "FUNCTION STATUS": ("Db", "Name", "Type", "Definer"),
}
"""What there is none of, with its columns."""

_TABLE_MADE = r"""
    SELECT {table} AS "Table",
           'CREATE TABLE `' || replace({table}, '`', '``') || '` (' || chr(10) || string_agg(
               '  `' || replace(COLUMN_NAME, '`', '``') || '` ' || COLUMN_TYPE
               || if(IS_NULLABLE = 'NO', ' NOT NULL', ' DEFAULT NULL')
               || if(COLUMN_COMMENT = '', '', ' COMMENT ''' || replace(COLUMN_COMMENT, '''', '''''') || ''''),
               ',' || chr(10) ORDER BY ORDINAL_POSITION)
           || coalesce((
               SELECT string_agg(made, '' ORDER BY made) FROM (
                   SELECT ',' || chr(10) || if(INDEX_NAME = 'PRIMARY', '  PRIMARY KEY',
                              '  UNIQUE KEY `' || replace(INDEX_NAME, '`', '``') || '`')
                          || ' (' || string_agg('`' || replace(COLUMN_NAME, '`', '``') || '`', ','
                                                ORDER BY SEQ_IN_INDEX) || ')' AS made
                   FROM ({statistics}) WHERE TABLE_SCHEMA = {database} AND TABLE_NAME = {table} GROUP BY INDEX_NAME
               )), '')
           || chr(10) || ') ENGINE=DuckDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin'
           || coalesce((
               SELECT ' COMMENT=''' || replace(TABLE_COMMENT, '''', '''''') || '''' FROM ({tables})
               WHERE TABLE_SCHEMA = {database} AND TABLE_NAME = {table} AND TABLE_COMMENT <> ''), '') AS "Create Table"
    FROM ({columns}) WHERE TABLE_SCHEMA = {database} AND TABLE_NAME = {table}
"""
_VIEW_MADE = """
    SELECT {table} AS "View",
           'CREATE ALGORITHM=UNDEFINED VIEW `' || replace({table}, '`', '``') || '` AS ' || regexp_replace(
               VIEW_DEFINITION, '^CREATE (TEMP )?VIEW .*? AS ', '', 's') AS "Create View",
           'utf8mb4' AS character_set_client, 'utf8mb4_bin' AS collation_connection
    FROM ({views}) WHERE TABLE_SCHEMA = {database} AND TABLE_NAME = {table}
"""


def described(database: str, table: str, *, full: bool = False) -> str:
    """SQL that gives the columns of a table as DESCRIBE does, or SHOW FULL COLUMNS."""
    return _COLUMNS.format(
        full='COLLATION_NAME AS "Collation",' if full else "",
        rest=", PRIVILEGES AS Privileges, COLUMN_COMMENT AS Comment" if full else "",
        columns=RELATIONS["columns"],
        **_literals(database, table),
    )


def shown(tree: exp.Show, database: str) -> str:
    """SQL that answers SHOW of what the file holds.

    Args:
        tree: the statement.
        database: where tables without one are looked for.

    Raises Refusal if there is nothing of the kind.
    """
    kind = tree.name.upper()
    target = tree.text("target")
    full = bool(tree.args.get("full"))
    if kind == "TABLES":
        return _filtered(_tables(database, full=full), f"Tables_in_{database}", tree)
    if kind == "COLUMNS":
        return _filtered(described(database, target, full=full), "Field", tree)
    if kind == "INDEX":
        return _filtered(_INDEXES.format(**RELATIONS, **_literals(database, target)), "Key_name", tree)
    if kind == "TABLE STATUS":
        return _filtered(_STATUS.format(**RELATIONS, **_literals(database, "")), "Name", tree)
    if kind in _FIXED:
        first, sql = _FIXED[kind]
        return _filtered(sql.format(**RELATIONS), first, tree)
    if kind in _NONE:
        return listed(_NONE[kind], (), tree)
    raise Refusal(NOT_SUPPORTED, f"SHOW {kind} is not served")


def created(database: str, table: str, *, is_view: bool) -> str:
    """SQL that answers SHOW CREATE TABLE: as MySQL would have written it."""
    return (_VIEW_MADE if is_view else _TABLE_MADE).format(**RELATIONS, **_literals(database, table))


def kind_of(database: str, table: str) -> str:
    """SQL that gives 'BASE TABLE' or 'VIEW', or no row."""
    named = _literals(database, table)
    return (
        f"SELECT TABLE_TYPE FROM ({RELATIONS['tables']}) "
        f"WHERE TABLE_SCHEMA = {named['database']} AND TABLE_NAME = {named['table']}"
    )


def listed(names: Sequence[str], rows: Sequence[Sequence[str]], tree: exp.Show) -> str:
    """SQL that answers SHOW with texts that we have, such as SHOW VARIABLES."""
    values = ", ".join(f"({literals(row)})" for row in rows or [names])
    first, *others = map(identifier, names)
    columns = ", ".join([first, *others])
    chosen = ", ".join([f"{first} COLLATE NOCASE AS {first}", *others])
    kept = "" if rows else " WHERE FALSE"
    return _filtered(f"SELECT {chosen} FROM (VALUES {values}) AS v({columns}){kept}", names[0], tree)


def _literals(database: str, table: str) -> dict[str, str]:
    return {"database": literal(database), "table": literal(table)}


def _tables(database: str, *, full: bool) -> str:
    kind = ", TABLE_TYPE AS Table_type" if full else ""
    name = identifier(f"Tables_in_{database}")
    return (
        f"SELECT TABLE_NAME AS {name}{kind} FROM ({RELATIONS['tables']}) "
        f"WHERE TABLE_SCHEMA = {literal(database)} ORDER BY 1"
    )


def _filtered(sql: str, first: str, tree: exp.Show) -> str:
    """The query behind LIKE, which is about its first column, or WHERE."""
    like, where = tree.args.get("like"), tree.args.get("where")
    if like is not None:
        return f"SELECT * FROM ({sql}) WHERE {identifier(first)} ILIKE {literal(like.name)} ESCAPE '\\'"
    if where is not None:
        return f"SELECT * FROM ({sql}) WHERE {where.this.sql('duckdb', comments=False)}"
    return sql
