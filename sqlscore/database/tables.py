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
    """CREATE TABLE IF NOT EXISTS sqlscore.policy (
        mapping VARCHAR NOT NULL UNIQUE,
        retrain_after_days DOUBLE CHECK (retrain_after_days > 0),
        retrain_drift_psi DOUBLE CHECK (retrain_drift_psi > 0),
        drift_days DOUBLE NOT NULL DEFAULT 7 CHECK (drift_days > 0),
        drift_min_events BIGINT NOT NULL DEFAULT 1000 CHECK (drift_min_events >= 0),
        retrain_pause_hours DOUBLE NOT NULL DEFAULT 24 CHECK (retrain_pause_hours >= 0),
        promote_within DOUBLE DEFAULT 0.01 CHECK (promote_within >= 0),
        keep_retrained BIGINT NOT NULL DEFAULT 5 CHECK (keep_retrained >= 0))""",
    "INSERT INTO sqlscore.policy (mapping) SELECT '*' WHERE NOT EXISTS (SELECT 1 FROM sqlscore.policy)",
    "COMMENT ON TABLE sqlscore.meta IS 'What version of sqlscore''s objects this file holds'",
    "COMMENT ON TABLE sqlscore.mappings IS 'The mapped events tables and what mapping them showed'",
    "COMMENT ON TABLE sqlscore.models IS 'The registered models, one row a version, artifact included'",
    "COMMENT ON TABLE sqlscore.versions IS 'The newest version number ever given to a model name; none is used twice'",
    "COMMENT ON TABLE sqlscore.aliases IS 'Which version stands behind an alias such as champion'",
    "COMMENT ON TABLE sqlscore.runs IS 'Every mapping, training, refresh and scheduled run, with its outcome'",
    "COMMENT ON TABLE sqlscore.policy IS 'When sqlscore serve trains a model again; change it with UPDATE'",
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
        "status": "ok or failed; of a scheduled run also running or stopped.",
        "message": "The error, where it failed.",
        "details": "What it did.",
    },
    "objects": {"mapping": "The mapping.", "function": "A function in schema main that belongs to it."},
    "policy": {
        "mapping": "The mapping, or * for all that have no row of their own.",
        "retrain_after_days": "Train again when the champion is so many days old; NULL: not because of its age.",
        "retrain_drift_psi": "Train again when events have drifted so far since the training; NULL: never for that.",
        "drift_days": "The newest so many days of events are compared with as many before the training.",
        "drift_min_events": "Fewer events on either side say nothing of drift.",
        "retrain_pause_hours": "So long after a retraining, successful or not, none is begun.",
        "promote_within": "A retrained model whose log loss on the newest events is higher by more than this share of "
        "the old one's does not become champion; NULL: it always does.",
        "keep_retrained": "So many of the newest retrained versions are kept, beside the champion.",
    },
}


def create_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Make the tables that are not there, and comment all; inside the caller's transaction."""
    for statement in TABLES:
        con.execute(statement)
    for table, columns in COLUMNS.items():
        for column, comment in columns.items():
            con.execute(f"COMMENT ON COLUMN sqlscore.{table}.{column} IS {literal(comment)}")
