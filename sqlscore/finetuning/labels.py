"""The user's query -> labels: who, as of when, and what came true; what cannot be learned from is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sqlscore.arrays import Ints
from sqlscore.database.queries import one
from sqlscore.errors import TrainingError
from sqlscore.events.mapping import Mapping
from sqlscore.excerpts import engine_message
from sqlscore.finetuning.label_checks import LEAST, TABLE, check
from sqlscore.scoring.label_head import TASKS, Kind

MOST_CLASSES = 50


_COUNT_UP_TO = 1_000


@dataclass(frozen=True)
class Labels:
    """N labels in the order of their rows in TABLE.

    Attributes:
        kind: what they are.
        values: what each class is called; ("false", "true") of a yes/no label, empty of numbers.
        wanted: (N,) 0 or 1, the number of the class, or the number itself.
        as_of: int64 (N,), µs.
        known_at: int64 (N,), µs: when the label was known; None if the query does not say it.
        user: int64 (N,), the number of each one's user.
    """

    kind: Kind
    values: tuple[str, ...]
    wanted: npt.NDArray[np.float64]
    as_of: Ints
    known_at: Ints | None
    user: Ints

    def __len__(self) -> int:
        return len(self.wanted)


def read_labels(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, query: str, task: Kind | None, high_water: int
) -> Labels:
    """Run the query once, keep its rows in TABLE, and check them.

    Args:
        con: A connection of its own, which sees one state of the file.
        mapping: The events.
        query: A SELECT with the columns user_id, as_of and label, and known_at if it likes.
        task: What the label is; None infers it from the column.
        high_water: µs, the newest event.

    Raises TrainingError that names the column, a value and the remedy.
    """
    types = _run(con, query)
    task = _kind_of(con, types["label"], task)
    check(con, mapping, types, high_water)
    rows = con.sql(
        f"SELECT label, epoch_us(as_of) AS as_of, epoch_us(known_at) AS known_at, dense_rank() OVER (ORDER BY user_id) "
        f"AS user FROM {TABLE} ORDER BY row"
    ).to_arrow_table()
    values, wanted = _values(rows.column("label").combine_chunks(), task)
    known_at = None if "known_at" not in types else rows.column("known_at").to_numpy()
    return Labels(task, values, wanted, rows.column("as_of").to_numpy(), known_at, rows.column("user").to_numpy())


def _run(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    """Fill TABLE; the types of the columns that the query has."""
    text = query.strip().rstrip(";")
    try:
        kinds = [statement.type for statement in con.extract_statements(text)]
        if kinds != [duckdb.StatementType.SELECT]:  # nothing else is run: it could change the file
            raise TrainingError("the labels are no query: pass one SELECT with the columns user_id, as_of and label")
        relation = con.sql(text)
    except duckdb.Error as error:
        raise TrainingError(f"the labels cannot be read: {engine_message(error)}") from error
    types = {name.casefold(): str(kind) for name, kind in zip(relation.columns, relation.types, strict=True)}
    missing = [name for name in ("user_id", "as_of", "label") if name not in types]
    if missing:
        have = ", ".join(relation.columns)
        raise TrainingError(
            f'the labels lack the column "{missing[0]}" (they have {have}): select the user as user_id, the moment at '
            "which the label is to be predicted as as_of, and what came true after it as label"
        )
    known = "known_at" if "known_at" in types else "NULL"
    for name in ("as_of", "known_at"):
        if name in types and not types[name].startswith(("TIMESTAMP", "DATE")):
            raise TrainingError(f'the column "{name}" of the labels has type {types[name]}, expected TIMESTAMP or DATE')
    try:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {TABLE} AS SELECT row_number() OVER () AS row, user_id, "
            f"CAST(as_of AS TIMESTAMP) AS as_of, label, CAST({known} AS TIMESTAMP) AS known_at FROM ({text})"
        )
    except duckdb.Error as error:
        raise TrainingError(f"the labels cannot be read: {engine_message(error)}") from error
    return types


def _kind_of(con: duckdb.DuckDBPyConnection, type_: str, task: Kind | None) -> Kind:
    """What the label is, by its type and its values."""
    if task is not None and task not in TASKS:
        raise TrainingError(f"there is no task {task!r}: the tasks are {', '.join(TASKS)}")
    if type_ == "BOOLEAN":
        found: Kind = "yes_no"
    elif type_ == "VARCHAR" or type_.startswith("ENUM"):
        found = "classes"
    elif type_.endswith(("INT", "INTEGER")):
        most, least = one(con, f"SELECT max(label), min(label) FROM {TABLE}") or (None, None)
        found = "yes_no" if most is not None and least >= 0 and most <= 1 else "count"
        if found == "count" and most is not None and most > _COUNT_UP_TO:
            found = "amount"
    elif type_ in ("DOUBLE", "FLOAT") or type_.startswith("DECIMAL"):
        found = "amount"
    else:
        raise TrainingError(f'the column "label" has type {type_}, expected BOOLEAN, a number or text: cast it')
    text = found == "classes"
    if task in ("count", "amount") and (text or type_ == "BOOLEAN"):
        raise TrainingError(f'the column "label" has type {type_}, and the task {task} needs a number: cast it')
    if task == "yes_no" and found != "yes_no":
        raise TrainingError(f'the task yes_no needs a label of type BOOLEAN or of 0 and 1, "label" has type {type_}')
    return task or found


def _values(column: pa.Array, kind: Kind) -> tuple[tuple[str, ...], npt.NDArray[np.float64]]:
    """Names of the classes, and (N,) what is wanted. Raises TrainingError if one kind of label is all there is."""
    if kind in ("count", "amount"):
        numbers = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        wrong = numbers[~np.isfinite(numbers) | (numbers < 0)]
        if len(wrong):
            raise TrainingError(
                f'the column "label" is {wrong[0]:g} in one of {len(wrong):,} rows, and the task {kind} needs finite '
                "numbers from 0 on: greatest(label, 0), or predict whether it is below 0"
            )
        if kind == "count" and (numbers != np.rint(numbers)).any():
            raise TrainingError(
                'the column "label" is not whole, and the task count needs whole numbers: --task amount'
            )
        if (numbers > 0).sum() < LEAST // 2 or not (numbers != numbers[0]).any():
            raise TrainingError(
                f'the column "label" is more than 0 in {int((numbers > 0).sum())} rows: at least {LEAST // 2} that '
                "differ are needed"
            )
        return (), numbers
    if kind == "yes_no":
        wanted = column.cast(pa.int64()).to_numpy(zero_copy_only=False).astype(np.float64)
        if wanted.min() == wanted.max():
            raise TrainingError(f'the column "label" is {bool(wanted[0])} in all rows: there is nothing to tell apart')
        return ("false", "true"), wanted
    encoded = column.cast(pa.string()).dictionary_encode()
    names = cast("list[str]", encoded.dictionary.to_pylist())
    if not 2 <= len(names) <= MOST_CLASSES:
        raise TrainingError(
            f'the column "label" has {len(names):,} values, and classes need 2 to {MOST_CLASSES}: put rare ones '
            "together"
        )
    order = sorted(names)
    place = np.array([order.index(name) for name in names])
    return tuple(order), place[encoded.indices.to_numpy(zero_copy_only=False)].astype(np.float64)
