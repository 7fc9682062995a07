"""All users' scores on Spark: the tables that `refresh` writes into a DuckDB file, as Parquet."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from sqlscore.errors import ModelError, SparkError
from sqlscore.events.mapping import DEFAULT_MAPPING
from sqlscore.quoting import backquoted
from sqlscore.spark.going_on import Before, before_of, kept_of
from sqlscore.spark.output import Storage, beside, put_in_place, refuse_existing, storage
from sqlscore.spark.partition import N_EVENTS, SCORE, SESSIONS, STATE, USER, Scoring
from sqlscore.spark.pieces import Reader
from sqlscore.spark.reading import Events, Moment, capped, events_of, moment_of, read
from sqlscore.spark.session import check_session, plain_errors
from sqlscore.spark.shipment import Packed, pack, ship
from sqlscore.spark.tables import staged_schema
from sqlscore.spark.types import spark_of
from sqlscore.spark.worker import Shipment
from sqlscore.times import moment

_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class SparkReport:
    """What a run on Spark did."""

    model: str
    sha256: str
    mapping: str
    as_of: datetime
    scored_at: datetime
    tables: dict[str, int]  # rows by table
    n_events: int  # that went through the model
    after: str | None  # the run that this one goes on from
    out: str
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `--json` prints them."""
        return asdict(self)


def score(
    spark: Any,
    source: str | Path,
    events: Any,
    out: str,
    *,
    mapping: str = DEFAULT_MAPPING,
    model: str | None = None,
    as_of: date | str | None = None,
    after: str | None = None,
    keep_states: bool = False,
    partitions: int | None = None,
    replace: bool = False,
    format: str = "parquet",
) -> SparkReport:
    """Score all users and their sessions on Spark, and write `scored_users` and `scored_sessions` as Parquet.

    The columns are those of the tables of the same names in a DuckDB file, and so are the values. A reader finds `out`
    whole or not at all; its file `_sqlscore.json` says what it holds.

    With `after`, `events` are only those since that run: the states that it kept go on, and users without new events
    get the scores of the new moment. `scored_sessions` then has the new sessions, and those that have grown.

    Args:
        spark: A classic session of Spark 4.3, in UTC and ANSI mode.
        source: A DuckDB file, or a model file that `sqlscore export` wrote.
        events: A DataFrame, or paths of files that Spark reads. Its columns have the names in the mapped table, or
            those of `sqlscore.events`.
        out: The folder to write, on any file system that Spark has.
        mapping: The name of the mapping.
        model: `name` or `name@version`; the champion by default.
        as_of: The moment of the scores, UTC: later events are left out. By default the newest event, to find which all
            times are read once more.
        after: The `out` of an earlier run that kept its states.
        keep_states: Whether to write `user_states`, from which a later run can go on; for models that fold.
        partitions: How many parts the users are divided into; by default `spark.sql.shuffle.partitions`, and on one
            machine three for each core where that is Spark's own 200, of which each costs most of a second.
        replace: Whether `out` may be there already, and is replaced.
        format: Of the files, if `events` are paths.

    Raises SparkError if the session cannot do this, or if `out` is there; EventsError if the events cannot be read by
    the mapping; ModelError if a model that does not fold is to keep states.

    Examples:
        >>> sqlscore.spark.score(spark, "shop.duckdb", ["s3a://shop/events"], "s3a://shop/scores/2024-06-30")
    """
    start = time.perf_counter()
    out = out.rstrip("/")
    store = storage(spark)
    refuse_existing(store, out, replace=replace)
    packed = pack(source, mapping, () if model is None else (model,)).only(model)
    _refuse_states(packed, keep=keep_states, after=after)
    moment_asked = None if as_of is None else moment(as_of, "as_of", SparkError)
    check_session(spark)  # after what costs nothing, as it starts a worker
    with plain_errors():
        frame = read(spark, [events] if isinstance(events, str) else events, format) if _is_paths(events) else events
        found = capped(events_of(frame, packed.mapping), moment_asked)
        before = None if after is None else before_of(spark, store, after.rstrip("/"), packed, found)
        parts = partitions or default_partitions(spark)
        at = moment_of(found, moment_asked, parts)
        if before is not None:
            before.refuse_earlier(at.as_of)
        run = _Run(packed, ship(spark, packed), at, datetime.now(UTC).replace(tzinfo=None), parts, keep_states)
        with beside(store, out) as partial:
            _staged(run, found, before).write.parquet(f"{partial}/{_STAGED}")
            n_events, tables = _split(spark, store, partial, keep_states)
            report = SparkReport(
                model=packed.models[0].label,
                sha256=packed.models[0].sha256,
                mapping=packed.mapping.name,
                as_of=_EPOCH + timedelta(microseconds=at.as_of),
                scored_at=run.scored_at,
                tables=tables,
                n_events=n_events,
                after=after,
                out=out,
                seconds=time.perf_counter() - start,
            )
            said = {key: str(value) if isinstance(value, datetime) else value for key, value in asdict(report).items()}
            put_in_place(store, partial, out, said | {"mapped": packed.mapping.to_json(), "as_of_us": at.as_of})
    return report


@dataclass(frozen=True)
class _Run:
    packed: Packed
    shipment: Shipment
    moment: Moment
    scored_at: datetime
    partitions: int
    keep: bool


_STAGED = "staged"


_DEFAULT_OF_SPARK = 200


def default_partitions(spark: Any) -> int:
    """How many parts a run has that is not told: see `score`."""
    asked, context = int(spark.conf.get("spark.sql.shuffle.partitions")), spark.sparkContext
    if asked == _DEFAULT_OF_SPARK and str(context.master).startswith("local"):
        return min(asked, 3 * int(context.defaultParallelism))
    return asked


def _is_paths(events: Any) -> bool:
    return isinstance(events, str) or (isinstance(events, Sequence) and all(isinstance(path, str) for path in events))


def _refuse_states(packed: Packed, *, keep: bool, after: str | None) -> None:
    manifest, label = packed.manifest, packed.models[0].label
    if (keep or after is not None) and not manifest.fold:
        raise ModelError(
            f"{label} ({manifest.architecture}) is not a fold: it needs a user's whole history, so there is no state "
            "to keep or to go on from; score all events each time, or train a fold such as gru"
        )
    if after is not None and packed.mapping.group is not None:
        raise SparkError(
            f'the mapping "{packed.mapping.name}" has groups ("{packed.mapping.group}"), whose newest events are the '
            "moments of their users, also of those without new events: score all events each time"
        )


def _staged(run: _Run, events: Events, before: Before | None) -> Any:
    """A row for each user, with the rows of all tables in it. Nothing runs yet."""
    from pyspark.sql.pandas.types import to_arrow_type

    schema = staged_schema(to_arrow_type(events.frame.schema[events.mapping.user_id].dataType))
    scoring = Scoring(
        shipment=run.shipment,
        reader=Reader(events.mapping.to_json(), run.moment.groups),
        as_of=run.moment.as_of,
        scored_at=run.scored_at,
        active_within=run.packed.manifest.active_within,
        keep=run.keep,
        schema=schema.serialize().to_pybytes(),
    )
    rows = events.by_user(run.partitions, None if before is None else kept_of(before, events.mapping.user_id))
    return rows.mapInArrow(scoring.rows, spark_of(pa.struct(list(schema))))


def _split(spark: Any, store: Storage, partial: str, keep: bool) -> tuple[int, dict[str, int]]:
    """Write the tables from what was staged; how many events were encoded, and rows by table."""
    from pyspark.sql.functions import coalesce, lit
    from pyspark.sql.functions import sum as total

    staged = spark.read.parquet(f"{partial}/{_STAGED}")
    staged.select(USER, f"{SCORE}.*").write.parquet(f"{partial}/scored_users")
    staged.selectExpr(USER, f"inline({SESSIONS})").write.parquet(f"{partial}/scored_sessions")
    names = ["scored_users", "scored_sessions"]
    if keep:
        staged.select(USER, f"{STATE}.*").write.parquet(f"{partial}/user_states")
        names.append("user_states")
    n_events = int(staged.select(coalesce(total(backquoted(N_EVENTS)), lit(0))).first()[0])
    tables = {name: int(spark.read.parquet(f"{partial}/{name}").count()) for name in names}
    store.delete(f"{partial}/{_STAGED}")
    return n_events, tables
