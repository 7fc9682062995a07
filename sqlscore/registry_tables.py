"""The registry's tables in schema `sqlscore`, with what each column says."""

from __future__ import annotations

import duckdb

from sqlscore.quoting import literal

TABLES = (
    "CREATE SCHEMA IF NOT EXISTS sqlscore",
    "CREATE TABLE IF NOT EXISTS sqlscore.meta (key VARCHAR, value VARCHAR)",
    """CREATE TABLE IF NOT EXISTS sqlscore.mappings (
        name VARCHAR, mapping JSON, report JSON, mapped_at TIMESTAMP)""",
    """CREATE TABLE IF NOT EXISTS sqlscore.models (
        name VARCHAR, version INTEGER, mapping VARCHAR, architecture VARCHAR, config JSON, manifest JSON, metrics JSON,
        trained_from TIMESTAMP, trained_to TIMESTAMP, sha256 VARCHAR, artifact BLOB, created_at TIMESTAMP)""",
    "CREATE TABLE IF NOT EXISTS sqlscore.versions (name VARCHAR, newest INTEGER)",
    "CREATE TABLE IF NOT EXISTS sqlscore.aliases (mapping VARCHAR, alias VARCHAR, name VARCHAR, version INTEGER)",
    """CREATE TABLE IF NOT EXISTS sqlscore.runs (
        verb VARCHAR, mapping VARCHAR, started_at TIMESTAMP, finished_at TIMESTAMP, status VARCHAR, message VARCHAR,
        details JSON)""",
    "CREATE TABLE IF NOT EXISTS sqlscore.objects (mapping VARCHAR, function VARCHAR)",
    "COMMENT ON TABLE sqlscore.meta IS 'What version of sqlscore''s objects this file holds'",
    "COMMENT ON TABLE sqlscore.mappings IS 'The mapped events tables and what mapping them showed'",
    "COMMENT ON TABLE sqlscore.models IS 'The registered models, one row a version, artifact included'",
    "COMMENT ON TABLE sqlscore.versions IS 'The newest version number ever given to a model name; none is used twice'",
    "COMMENT ON TABLE sqlscore.aliases IS 'Which version stands behind an alias such as champion'",
    "COMMENT ON TABLE sqlscore.runs IS 'Every mapping, training and refresh, with its outcome'",
    "COMMENT ON TABLE sqlscore.objects IS 'The functions that sqlscore made in schema main'",
)

COLUMNS: dict[str, dict[str, str]] = {
    "meta": {"key": "What is stored: objects or tables.", "value": "Its version."},
    "mappings": {
        "name": "The name of the mapping.",
        "mapping": "Relation, columns, features, time unit, cap, prefix.",
        "report": "What mapping it showed: counts and warnings.",
        "mapped_at": "When it was mapped, UTC.",
    },
    "models": {
        "name": "The name of the model.",
        "version": "Its version, never given twice.",
        "mapping": "The mapping whose events it was trained on.",
        "architecture": "What kind of model it is.",
        "config": "Its sizes and options.",
        "manifest": "What it reads and what it can answer.",
        "metrics": "Its quality on the test split, beside the baselines.",
        "trained_from": "Time of the first training event, UTC.",
        "trained_to": "Time of the last training event, UTC.",
        "sha256": "The hash without which the artifact is not loaded.",
        "artifact": "TorchScript module and manifest.",
        "created_at": "When it was registered, UTC.",
    },
    "versions": {"name": "The name of the model.", "newest": "The newest version number given."},
    "aliases": {
        "mapping": "The mapping.",
        "alias": "The alias, such as champion.",
        "name": "The model behind it.",
        "version": "Its version.",
    },
    "runs": {
        "verb": "What was run.",
        "mapping": "On which mapping.",
        "started_at": "When it began, UTC.",
        "finished_at": "When it ended, UTC.",
        "status": "ok or failed.",
        "message": "The error, where it failed.",
        "details": "What it did.",
    },
    "objects": {"mapping": "The mapping.", "function": "A function in schema main that belongs to it."},
}


def create_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Make the tables that are not there, and comment all; inside the caller's transaction."""
    for statement in TABLES:
        con.execute(statement)
    for table, columns in COLUMNS.items():
        for column, comment in columns.items():
            con.execute(f"COMMENT ON COLUMN sqlscore.{table}.{column} IS {literal(comment)}")
