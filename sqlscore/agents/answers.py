"""What the tools answer: small, plain, with units, from guarded SQL on one file."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlscore.agents.plain import plain
from sqlscore.database.catalog import catalog, mapped
from sqlscore.database.registry import registered_models
from sqlscore.errors import InstallError, ModelError, StatementError
from sqlscore.guarded_sql.connection import Answer, Guarded, Limits
from sqlscore.quoting import literal, qualified
from sqlscore.verbs.connect import connect
from sqlscore.verbs.lint import lint_sql
from sqlscore.verbs.refresh import refresh
from sqlscore.verbs.status import status

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from sqlscore.scoring.label_artifact import FinetunedModel

T = TypeVar("T")
MOST_ROWS = 200
_HEADS = ("next_action", "churn")


class File:
    """A database file that an agent asks, one question at a time.

    Args:
        path: the database file.
        device: where models run, as `connect` takes it.

    Raises InstallError if the file cannot be read.
    """

    def __init__(self, path: Path, device: str = "auto") -> None:
        """Open the file; see the class."""
        self._path, self._device = path, device
        self._lock = threading.Lock()
        try:
            self._guarded = self._opened()
        except InstallError:  # another version of sqlscore prepared it, perhaps: this one must write to it once
            connect(path, device=device).close()
            self._guarded = self._opened()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._guarded.close()

    def query(self, sql: str, rows: int) -> dict[str, Any]:
        """The rows of a statement of the agent. Raises StatementError if it may not run."""
        with self._lock:
            self._guarded.check(sql)
            return self._rows(sql, [], rows)

    def lint(self, sql: str) -> dict[str, Any]:
        """Where a query, or a view by its name, shows what came after its moment. Raises LintError if it is no SQL."""
        report = self._with(lambda con: lint_sql(con, sql))
        told = ("rule", "severity", "line", "column", "sql", "message")
        findings = [{name: getattr(one, name) for name in told} for one in report.findings[:MOST_ROWS]]
        more = len(report.findings) > MOST_ROWS
        clean = report.is_clean and not report.unread
        return dict(
            plain(
                {"is_clean": clean, "findings": findings, "there_are_more": more, "not_looked_at": list(report.unread)},
                longest=1_000,
            )
        )

    def status(self) -> dict[str, Any]:
        """What is mapped, scored and trained, how fresh it is, and what is wrong, with the command that mends it."""
        found = self._with(status).to_dict()
        return dict(plain({name: found[name] for name in ("database", "mappings", "n_models", "problems")}))

    def models(self) -> dict[str, Any]:
        """The registered models: what each predicts and how good it was on events after its training."""

        def listed(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
            return [
                {
                    "model": model.label,
                    "mapping": model.mapping,
                    "architecture": model.kind,
                    "is_champion": model.is_champion,
                    "predicts": list(model.heads),
                    "churn_horizon_days": None if model.horizon_seconds is None else model.horizon_seconds / 86_400,
                    "trained_to": model.trained_to,
                    "verdict": model.metrics.get("verdict", []),
                }
                for model in registered_models(con)
            ]

        return {"models": plain(self._with(listed))}

    def score(self, user: str, mapping: str, model: str | None) -> dict[str, Any]:
        """The scores of one user as of the newest event, and the last actions that they rest on."""
        schema, label = self._about(mapping, model)
        chosen = f", model := {literal(label)}"
        sql = (
            f"SELECT list_score_events(list(e){chosen}) AS score, count(*) AS n_events,\n"
            "    list_reverse(list(event_type ORDER BY event_time, event_type))[:10] AS last_actions\n"
            f"FROM {qualified(schema, 'events')} AS e WHERE CAST(user_id AS VARCHAR) = ? GROUP BY user_id"
        )
        row = self._one(sql, user)
        return {**row["score"], "user_id": user, "last_actions_newest_first": row["last_actions"], **_UNITS}

    def explain(self, user: str, head: str, mapping: str, model: str | None) -> dict[str, Any]:
        """The events that moved a score of one user the most. head: "next_action", "churn" or a fine-tuned label."""
        of_label = head not in _HEADS
        schema, label = self._about(mapping, model, needs_model=not of_label)
        unit = "probability: above 0 made it likelier, below 0 less likely"
        if of_label:
            learned = self._learned(head, mapping, model)
            label = learned.name
            call = f"list_explain_label(list(e), {literal(label)}, k := 8)"
            if learned.head.kind in ("count", "amount"):
                unit = "that of the label: above 0 raised its expected value, below 0 lowered it"
        else:
            function = "list_explain_churn_risk" if head == "churn" else "list_explain_next_action"
            call = f"{function}(list(e), k := 8, model := {literal(label)})"
        sql = (
            f"SELECT {call} AS events\n"
            f"FROM {qualified(schema, 'events')} AS e WHERE CAST(user_id AS VARCHAR) = ? GROUP BY user_id"
        )
        row = self._one(sql, user)
        return {"user_id": user, "score": head, "model": label, "events": row["events"], "unit_of_weight": unit}

    def _learned(self, label: str, mapping: str, model: str | None) -> FinetunedModel:
        """The head of a fine-tuned label. Raises StatementError if there is none, or if a model is named besides."""

        def found(con: duckdb.DuckDBPyConnection) -> FinetunedModel:
            known = catalog(con)
            labels = [stored.label for stored in known.heads(mapping)]
            if label not in {*labels, *(each.rpartition("@")[0] for each in labels)}:
                raise StatementError(f'there is no score "{label}": choose one of {", ".join([*_HEADS, *labels])}')
            return known.finetuned(label, mapping)

        learned = self._with(found)
        if model is not None:
            raise StatementError(f"{learned.name} stands on a model of its own: leave model out")
        return learned

    def view(self, name: str, mapping: str, rows: int, order: str) -> dict[str, Any]:
        """The first rows of one of our views. order: SQL of ours."""
        schema, _ = self._about(mapping, None, needs_model=False)
        with self._lock:
            return self._rows(f"FROM {qualified(schema, name)} ORDER BY {order}", [], rows)

    def figures(self, model: str | None, mapping: str) -> dict[str, Any]:
        """How good a model was on events after its training, beside simple rules, in figures and in words."""
        _, label = self._about(mapping, model)
        sql = (
            "SELECT head, metric, coalesce(baseline, 'model') AS of, round(value, 4) AS value\n"
            "FROM sqlscore.model_metrics WHERE model = ? AND subset IS NULL ORDER BY head, metric, baseline NULLS FIRST"
        )
        words = next(each["verdict"] for each in self.models()["models"] if each["model"] == label)
        with self._lock:
            return self._rows(sql, [label], MOST_ROWS) | {"model": label, "verdict": words}

    def describe(self) -> dict[str, Any]:
        """Tables, views and table macros of the schemas of sqlscore, with what their comments say."""
        sql = """
            SELECT concat(schema_name, '.', view_name) AS name, 'view' AS kind, comment
            FROM duckdb_views() WHERE schema_name LIKE 'sqlscore%' AND comment IS NOT NULL
            UNION ALL
            SELECT concat(schema_name, '.', table_name), 'table', comment
            FROM duckdb_tables() WHERE schema_name LIKE 'sqlscore%' AND comment IS NOT NULL
            UNION ALL
            SELECT DISTINCT concat(schema_name, '.', function_name), 'macro', comment
            FROM duckdb_functions() WHERE schema_name LIKE 'sqlscore%' AND comment IS NOT NULL
            ORDER BY name"""
        with self._lock:
            return {"objects": plain(self._guarded.run(sql).table.to_pylist(), longest=2_000)}

    def refresh(self, mapping: str) -> dict[str, Any]:
        """Score everybody anew: the file is opened for writing, and for reading again afterwards."""
        with self._lock:
            self._guarded.close()
            try:
                with connect(self._path, device=self._device) as con:
                    return dict(plain(refresh(con, mapping=mapping).to_dict()))
            finally:
                self._guarded = self._opened()

    def _opened(self) -> Guarded:
        return Guarded(self._path, Limits(rows=MOST_ROWS), self._device)

    def _about(self, mapping: str, model: str | None, *, needs_model: bool = True) -> tuple[str, str]:
        """The schema of a mapping, and the label of the model: the champion if none is named."""

        def found(con: duckdb.DuckDBPyConnection) -> tuple[str, str]:
            schema = mapped(con, mapping, read=False).schema
            models = [each for each in registered_models(con) if each.mapping == mapping]
            chosen = [each for each in models if (each.is_champion if model is None else each.label == model)]
            if not chosen and needs_model:
                have = ", ".join(each.label for each in models if not each.is_head) or "none"
                raise ModelError(f'"{mapping}" has no model {model or "that is champion"} (there are: {have})')
            return schema, chosen[0].label if chosen else ""

        return self._with(found)

    def _with(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        with self._lock, self._guarded.cursor() as con:
            return work(con)

    def _one(self, sql: str, user: str) -> dict[str, Any]:
        with self._lock:
            found = self._guarded.run(sql, [user]).table.to_pylist()
        if not found:
            raise StatementError(f'nobody has the id "{user}": pass it as it stands in the events')
        return dict(plain(found[0]))

    def _rows(self, sql: str, values: Sequence[Any], rows: int) -> dict[str, Any]:
        if not 1 <= rows <= MOST_ROWS:
            raise StatementError(f"{rows} rows were asked for: ask for 1 to {MOST_ROWS}, and let SQL add up the others")
        answer: Answer = self._guarded.run(sql, values)
        table = answer.table.slice(0, rows)
        cut = answer.is_cut or answer.table.num_rows > rows
        return {"columns": table.column_names, "rows": plain(table.to_pylist()), "there_are_more": cut}


_UNITS = {
    "units": {
        "churn_risk": "probability from 0 to 1 of no event within the model's horizon after as_of",
        "seconds_to_next_action": "seconds from the last event to the next, median",
        "next_action_probability": "probability from 0 to 1",
    }
}
