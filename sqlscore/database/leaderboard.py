"""The table `leaderboard` of a mapping: what the newest comparison found, there and empty before the first one."""

from __future__ import annotations

from collections.abc import Mapping as Rows
from collections.abc import Sequence
from typing import Any

import duckdb

from sqlscore.quoting import identifier, literal, qualified

TABLE = "leaderboard"

COMMENT = "The newest comparison, one row a contender, all judged on the same test events, best first by rank."

_LOW, _HIGH = "lower bound of its 95 % bootstrap interval over users.", "upper bound of that interval."

COLUMNS: dict[str, tuple[str, str]] = {
    "compared_at": ("TIMESTAMP", "When the comparison was made, UTC; the same in all rows."),
    "rank": ("INTEGER", "1 for the best and all that tie with it; else 1 + how many are clearly better."),
    "tie_with_best": ("BOOLEAN", "The difference to the best by the ranking metric may be chance."),
    "contender": ("VARCHAR", "Name of the architecture, the model or the baseline."),
    "kind": ("VARCHAR", "model (can score in SQL), peer (gbm, which cannot) or baseline (needs no model)."),
    "model": ("VARCHAR", "The registered model, name@version; NULL where none is registered."),
    "architecture": ("VARCHAR", "What kind of model it is; NULL for a baseline."),
    "seeds": ("INTEGER", "Models, one a seed, whose figures are averaged; NULL for a baseline."),
    "metric": ("VARCHAR", "What the ranking is by: log_loss, accuracy or auc; the same in all rows."),
    "accuracy": ("DOUBLE", "Share of test events whose next action was the most probable one."),
    "accuracy_low": ("DOUBLE", f"Accuracy: {_LOW}"),
    "accuracy_high": ("DOUBLE", f"Accuracy: {_HIGH}"),
    "accuracy_tie": ("BOOLEAN", "Whether it ties with the best by accuracy."),
    "top3": ("DOUBLE", "Share of test events whose next action was among the three most probable ones."),
    "log_loss": ("DOUBLE", "Mean of -log(probability of what happened), over actions that training has seen."),
    "log_loss_low": ("DOUBLE", f"Log-loss: {_LOW}"),
    "log_loss_high": ("DOUBLE", f"Log-loss: {_HIGH}"),
    "log_loss_tie": ("BOOLEAN", "Whether it ties with the best by log-loss."),
    "macro_f1": ("DOUBLE", "Mean over the actions of the F1 of predicting each."),
    "ece": ("DOUBLE", "Expected calibration error of the most probable next action, over 15 bins."),
    "churn_auc": ("DOUBLE", "Area under the ROC curve of the churn risk."),
    "churn_auc_low": ("DOUBLE", f"Churn AUC: {_LOW}"),
    "churn_auc_high": ("DOUBLE", f"Churn AUC: {_HIGH}"),
    "churn_auc_tie": ("BOOLEAN", "Whether it ties with the best by churn AUC."),
    "churn_log_loss": ("DOUBLE", "Log-loss of the churn risk."),
    "churn_ece": ("DOUBLE", "Expected calibration error of the churn risk, over 10 bins."),
    "validation_loss": ("DOUBLE", "Log-loss on the validation part, of churn where that ranks: promotion goes by it."),
    "training_seconds": ("DOUBLE", "Seconds that training took, without reading the events; mean over the seeds."),
    "parameters": ("BIGINT", "Numbers that were learned; of gbm the leaves of its trees."),
    "scoring_events_per_second": ("DOUBLE", "Events scored in a second of one thread, on one sample for all."),
    "n_test": ("BIGINT", "Test events at which the next action was predicted."),
    "n_test_users": ("BIGINT", "Users that they belong to."),
    "n_churn": ("BIGINT", "Test examples of churn; 0 without."),
}
"""Column -> (SQL type, comment)."""


def create_leaderboard(con: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Make the empty table of a mapping's schema where it is not there, and comment it; in the caller's transaction.

    One whose columns are another version's is replaced: the next comparison fills it again.
    """
    target = qualified(schema, TABLE)
    rows = con.execute(
        """SELECT column_name FROM duckdb_columns()
           WHERE database_name = current_database() AND schema_name = ? AND table_name = ? ORDER BY column_index""",
        [schema, TABLE],
    ).fetchall()
    if rows and [row[0] for row in rows] != list(COLUMNS):
        con.execute(f"DROP TABLE {target}")
    columns = ", ".join(f"{identifier(name)} {kind}" for name, (kind, _) in COLUMNS.items())
    con.execute(f"CREATE TABLE IF NOT EXISTS {target} ({columns})")
    con.execute(f"COMMENT ON TABLE {target} IS {literal(COMMENT)}")
    for name, (_, comment) in COLUMNS.items():
        con.execute(f"COMMENT ON COLUMN {target}.{identifier(name)} IS {literal(comment)}")


def write_leaderboard(con: duckdb.DuckDBPyConnection, schema: str, rows: Sequence[Rows[str, Any]]) -> None:
    """Put these rows, which have all columns, in place of the old ones, in the caller's transaction.

    Comments stay, and so do views over the table.
    """
    target = qualified(schema, TABLE)
    con.execute(f"DELETE FROM {target}")
    if rows:
        places = ", ".join("?" for _ in COLUMNS)
        con.executemany(f"INSERT INTO {target} VALUES ({places})", [[row[name] for name in COLUMNS] for row in rows])


def clear_leaderboard(con: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Forget the comparison of a mapping that is no more, in the caller's transaction."""
    con.execute(f"DELETE FROM {qualified(schema, TABLE)}")
