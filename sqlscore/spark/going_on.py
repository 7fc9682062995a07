"""A run that goes on from the states of an earlier one: what must be the same in both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlscore.errors import SparkError
from sqlscore.events.mapping import Mapping
from sqlscore.quoting import backquoted
from sqlscore.spark.output import Storage, read_note
from sqlscore.spark.partition import STATE, USER
from sqlscore.spark.reading import Events
from sqlscore.spark.shipment import Packed
from sqlscore.times import iso


@dataclass(frozen=True)
class Before:
    """An earlier run: its folder, its moment (µs), and the states that it kept."""

    out: str
    as_of: int
    states: Any  # a DataFrame

    def refuse_earlier(self, as_of: int) -> None:
        """Raise SparkError for a moment before that run's: its states have seen later events."""
        if as_of < self.as_of:
            raise SparkError(
                f"{self.out} was scored as of {iso(self.as_of)}, and its states have seen events up to then: they "
                f"cannot be scored as of {iso(as_of)}; score all events, without a run to go on from"
            )


def before_of(spark: Any, store: Storage, out: str, packed: Packed, events: Events) -> Before:
    """The run in `out`. Raises SparkError if its states say nothing of these events by this model."""
    note, model = read_note(store, out), packed.models[0]
    if note["sha256"] != model.sha256:
        raise SparkError(
            f"{out} was scored by {note['model']}, and the model is {model.label} now: score all events once with it"
        )
    if Mapping.from_json(note["mapped"]) != packed.mapping:
        raise SparkError(f"{out} was scored with another mapping of the events: score all events once with this one")
    if "user_states" not in note["tables"]:
        raise SparkError(f"{out} holds no states to go on from: score all events once and keep them (--keep-states)")
    states = spark.read.parquet(f"{out}/user_states")
    mine, theirs = events.frame.schema[events.mapping.user_id].dataType, states.schema[USER].dataType
    if mine != theirs:
        raise SparkError(
            f"{out} has users of type {theirs.simpleString()}, and the events of type {mine.simpleString()}: cast "
            f'"{events.mapping.user_id}"'
        )
    return Before(out, int(note["as_of_us"]), states)


def kept_of(before: Before, user_id: str) -> Any:
    """The states as rows that go beside those of events: the user, and all the rest as one column."""
    from pyspark.sql.functions import col, struct

    names = [name for name in before.states.columns if name != USER]
    return before.states.select(
        col(USER).alias(user_id), struct(*(col(backquoted(name)) for name in names)).alias(STATE)
    )
