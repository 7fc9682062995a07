"""Whether a model is to be trained again: the table `sqlscore.policy`, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import asdict, dataclass, fields

import duckdb

from sqlscore.errors import ServingError
from sqlscore.mapping import mapped
from sqlscore.queries import one
from sqlscore.quoting import identifier
from sqlscore.transactions import on_own_connection, recorded, transaction

ALL = "*"
"""The row that holds for every mapping without a row of its own."""


@dataclass(frozen=True)
class Policy:
    """One row of `sqlscore.policy`, whose comments say what each setting means. None: off."""

    retrain_after_days: float | None
    retrain_drift_psi: float | None
    drift_days: float
    drift_min_events: int
    retrain_pause_hours: float
    promote_within: float | None
    keep_retrained: int


@dataclass(frozen=True)
class Facts:
    """What the policy looks at. hours_since_attempt: None where there was none. psi: by measure."""

    champion_age_days: float
    hours_since_attempt: float | None
    new_events: bool  # later than those that the champion's training saw
    psi: Dict[str, float]


def why_retrain(policy: Policy, facts: Facts) -> str | None:
    """The reason to train again, in words; None where there is none."""
    if not facts.new_events:
        return None
    if facts.hours_since_attempt is not None and facts.hours_since_attempt < policy.retrain_pause_hours:
        return None
    if policy.retrain_after_days is not None and facts.champion_age_days >= policy.retrain_after_days:
        return f"the champion is {facts.champion_age_days:.3g} days old (limit {policy.retrain_after_days:g})"
    if policy.retrain_drift_psi is not None and facts.psi:
        measure, psi = max(facts.psi.items(), key=lambda item: item[1])
        if psi >= policy.retrain_drift_psi:
            return f"{measure} has drifted since the training: psi {psi:.3f} (limit {policy.retrain_drift_psi:g})"
    return None


def is_worse(policy: Policy, new_loss: float, old_loss: float) -> bool:
    """Whether a retrained model with this log loss is not to become the champion."""
    return policy.promote_within is not None and not new_loss <= old_loss * (1 + policy.promote_within)


def read_policy(con: duckdb.DuckDBPyConnection, mapping: str) -> Policy:
    """The policy for a mapping: its own row, or else the one for all."""
    columns = ", ".join(identifier(field.name) for field in fields(Policy))
    row = one(
        con,
        f"SELECT {columns} FROM sqlscore.policy WHERE mapping IN (?, ?) ORDER BY mapping = ? DESC LIMIT 1",
        [mapping, ALL, mapping],
    )
    if row is None:
        raise ServingError(
            f"sqlscore.policy has no row for {mapping!r} and none for all: "
            f"run INSERT INTO sqlscore.policy (mapping) VALUES ('{ALL}')"
        )
    return Policy(*row)


@on_own_connection
def set_policy(
    con: duckdb.DuckDBPyConnection, /, *, mapping: str | None = None, **settings: float | None
) -> dict[str, float | None]:
    """Change when `sqlscore serve` trains again, for one mapping or (None) for all without settings of their own.

    settings: columns of `sqlscore.policy`, which may as well be changed by SQL; None turns off what can be off. The
    first change for one mapping starts from the settings for all.

    Returns all settings that hold now. Raises ServingError for a setting that there is not, or a value out of range.

    >>> sqlscore.set_policy(con, retrain_after_days=30, retrain_drift_psi=0.25)
    """
    known = [field.name for field in fields(Policy)]
    unknown = sorted(set(settings) - set(known))
    if unknown:
        raise ServingError(f"there is no setting {', '.join(unknown)}: the settings are {', '.join(known)}")
    if mapping is not None:
        mapped(con, mapping)
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
