"""The verb `set_policy`: when `sqlscore serve` trains a model again."""

from __future__ import annotations

import math
from dataclasses import asdict, fields

import duckdb

from sqlscore.database.catalog import mapped
from sqlscore.database.policy import ALL, Policy, read_policy
from sqlscore.database.queries import one
from sqlscore.database.transactions import on_own_connection, recorded, transaction
from sqlscore.errors import ServingError
from sqlscore.quoting import identifier


@on_own_connection
def set_policy(
    con: duckdb.DuckDBPyConnection, /, *, mapping: str | None = None, **settings: float | None
) -> dict[str, float | None]:
    """Change when `sqlscore serve` trains again, for one mapping or (None) for all without settings of their own.

    The first change for one mapping starts from the settings for all.

    Args:
        con: a connection that `connect` made.
        mapping: the name of the mapping; None for all that have no settings of their own.
        **settings: columns of `sqlscore.policy`, which SQL may change as well; None turns a rule off.

    Returns all settings that hold now. Raises ServingError for an unknown setting or a value out of range.

    Examples:
        >>> sqlscore.set_policy(con, retrain_after_days=30, retrain_drift_psi=0.25)
    """
    known = [field.name for field in fields(Policy)]
    unknown = sorted(set(settings) - set(known))
    if unknown:
        raise ServingError(f"there is no setting {', '.join(unknown)}: the settings are {', '.join(known)}")
    for name, value in settings.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ServingError(f"{name} cannot be {value!r}: pass a number, or None to turn the rule off")
    if mapping is not None:
        mapped(con, mapping, read=False)
    target = mapping or ALL
    columns = ", ".join(identifier(name) for name in known)
    with recorded(con, "set_policy", target) as details, transaction(con):
        details.update(settings)
        if one(con, "SELECT 1 FROM sqlscore.policy WHERE mapping = ?", [target]) is None:
            con.execute(
                f"""INSERT INTO sqlscore.policy (mapping, {columns})
                    SELECT ?, {columns} FROM sqlscore.policy WHERE mapping = ?""",
                [target, ALL],
            )
        for name, value in settings.items():
            try:
                con.execute(f"UPDATE sqlscore.policy SET {identifier(name)} = ? WHERE mapping = ?", [value, target])
            except (duckdb.ConstraintException, duckdb.ConversionException) as error:
                raise ServingError(f"{name} cannot be {value!r}: {error}") from error
    return asdict(read_policy(con, target))
