"""What fine-tuned heads say of all users, as a table: one row a user and a label."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial

import numpy as np
import pyarrow as pa

from sqlscore.arrays import Ints
from sqlscore.database.catalog import catalog
from sqlscore.database.events_query import canonical
from sqlscore.database.materialized import is_table
from sqlscore.database.scan import Users, scan
from sqlscore.parallel import in_order
from sqlscore.score_tables.mark import STATES_TABLE
from sqlscore.score_tables.moments import dated, moments_of
from sqlscore.score_tables.rows import present
from sqlscore.score_tables.run import Run, usable_of
from sqlscore.score_tables.spool import Spool
from sqlscore.score_tables.states_table import states_of
from sqlscore.score_tables.value_at_risk import SEGMENTS_TABLE, drop_value_at_risk, write_value_at_risk
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.label_artifact import FinetunedModel
from sqlscore.scoring.label_features import label_features
from sqlscore.scoring.states import States
from sqlscore.scoring.states_in_arrow import microseconds, times_array
from sqlscore.sql.objects import table

LABELS_TABLE = "scored_labels"
_LEVELS = np.array([0.1, 0.5, 0.9])
_ROWS = 32_768


def refresh_labels(run: Run) -> tuple[dict[str, int], list[str]]:
    """Make the table anew, after that of the users, in the caller's transaction.

    Heads on the model that was just refreshed read the stored states; for those on another one, all users are encoded.

    Returns the rows by table, none if there is no head, and what to tell the user.
    """
    con, known = run.con, catalog(run.con)
    heads = [known.finetuned(name, run.mapping.name) for name in newest_heads(run)]
    if not heads:
        if is_table(con, run.mapping.schema, LABELS_TABLE):
            con.execute(f"DROP TABLE {run.table(LABELS_TABLE)}")
        drop_value_at_risk(run)
        return {}, []
    con.execute(table(LABELS_TABLE).for_schema(run.mapping.schema))
    by_base: dict[str, list[FinetunedModel]] = defaultdict(list)
    for head in heads:
        by_base[head.base_sha256].append(head)
    notes = []
    with closing(Spool(con)) as spool:
        for sha256, each in by_base.items():
            base = run.artifact if sha256 == run.artifact.sha256 else known.base_of(each[0])
            if sha256 == run.artifact.sha256:
                found = _of_states(run, each)
            else:
                found = _of_events(run, base, each)
                names = ", ".join(head.name for head in each)
                notes.append(
                    f"{names} stand on {base.name}, not on {run.artifact.name}: all users were encoded for them; "
                    "fine-tune again to share the refresh's states"
                )
            for rows in found:
                spool.add(rows)
        counts = {LABELS_TABLE: spool.insert(con, run.table(LABELS_TABLE), run.stamp)}
    n_segments = write_value_at_risk(run, run.table(LABELS_TABLE), heads)
    return counts | ({} if n_segments is None else {SEGMENTS_TABLE: n_segments}), notes


def newest_heads(run: Run) -> list[str]:
    """The names of the heads of the run's mapping."""
    stored = catalog(run.con).heads(run.mapping.name)
    return sorted({each.label.rpartition("@")[0] for each in stored})


def _of_states(run: Run, heads: Sequence[FinetunedModel]) -> Iterator[pa.Table]:
    query = f"SELECT s.*, u.as_of FROM {run.table(STATES_TABLE)} s JOIN {run.table('scored_users')} u USING (user_id)"
    reader = run.con.sql(query).to_arrow_reader(_ROWS)
    batches = (pa.Table.from_batches([batch]) for batch in reader if len(batch))

    def scored(stored: pa.Table) -> pa.Table:
        as_of = microseconds(stored.column("as_of").combine_chunks())
        return label_rows(stored.column("user_id"), states_of(stored.drop_columns("as_of")), as_of, run.artifact, heads)

    return in_order(scored, batches, run.threads)


def _of_events(run: Run, base: Artifact, heads: Sequence[FinetunedModel]) -> Iterator[pa.Table]:
    events = canonical(run.mapping, dated(usable_of(run), run.mapping))
    batches = scan(run.reader, events, high_water=run.in_groups)
    return in_order(partial(_of_users, base, heads, run.as_of), batches, run.threads)


def _of_users(base: Artifact, heads: Sequence[FinetunedModel], as_of: int, users: Users) -> pa.Table:
    ids, sequences, _ = present(users)
    return label_rows(ids, base.encode(sequences), moments_of(sequences, as_of), base, heads)


def label_rows(ids: pa.Array, states: States, as_of: Ints, base: Artifact, heads: Sequence[FinetunedModel]) -> pa.Table:
    """(N,) users, their states by the base of these heads, and the moment of each -> a row a user and head."""
    features = label_features(base, states, as_of)
    size, nothing = len(states), pa.nulls(len(states), pa.float64())
    tables = []
    for model in heads:
        head = model.head
        predicted, likely, gained = (pa.nulls(size, kind) for kind in (pa.string(), pa.float32(), pa.float32()))
        mean, quantiles = nothing, [nothing] * len(_LEVELS)
        if head.kind == "uplift":
            gained = pa.array(head.uplift(features).astype(np.float32))
        else:
            told = head.probabilities(features)
            column = told.argmax(1) if head.kind == "classes" else np.ones(size, np.int64)
            likely = pa.array(told[np.arange(size), column].astype(np.float32))
        if head.kind == "classes":
            predicted = pa.array(head.values).take(pa.array(column))
        elif head.kind != "uplift":
            mean = pa.array(head.expected(features))
        if head.kind in ("count", "amount"):
            quantiles = [pa.array(values) for values in head.quantiles(features, _LEVELS).T.copy()]
        columns = {
            "user_id": ids,
            "label": pa.repeat(model.name.rpartition("@")[0], size),
            "kind": pa.repeat(head.kind, size),
            "propensity": likely,
            "predicted_value": predicted,
            "expected_value": mean,
            "p10": quantiles[0],
            "p50": quantiles[1],
            "p90": quantiles[2],
            "uplift": gained,
            "value_at_risk": nothing,
            "model": pa.repeat(model.name, size),
            "base": pa.repeat(base.name, size),
            "as_of": times_array(as_of),
        }
        tables.append(pa.table(columns))
    return pa.concat_tables(tables)
