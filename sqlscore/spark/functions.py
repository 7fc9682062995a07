"""The public functions in a Spark session: each is the DuckDB function's own code, on a list of events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from sqlscore.errors import EventsError, SparkError
from sqlscore.events.mapping import DEFAULT_MAPPING, Mapping
from sqlscore.spark.session import check_session
from sqlscore.spark.shipment import pack, ship
from sqlscore.spark.types import arrow_of, in_utc, is_utc, spark_of
from sqlscore.spark.worker import Shipment, catalog_of
from sqlscore.sql.public_functions import PUBLIC, Public
from sqlscore.times import moment
from sqlscore.udfs.by_name import Lists, defaults, head_of, public_functions, repeated
from sqlscore.udfs.functions import Internal


def register(
    spark: Any,
    source: str | Path,
    *,
    mapping: str = DEFAULT_MAPPING,
    models: Iterable[str] = (),
    as_of: date | str | None = None,
) -> tuple[str, ...]:
    """Give a Spark session the public functions under their own names, as Arrow functions on lists of events.

    `churn_risk(collect_list(struct(e.*)))` in Spark is `churn_risk(e)` in DuckDB, and the order of the list does not
    matter. Each function has a twin `list_...`, as in DuckDB. Parameters may be named with `=>`. Several columns
    of `score_events` cost one encoding.

    The mapping and the models are read once, now: register again after a promotion.

    Args:
        spark: A session of Spark 4.3, classic or Connect, in UTC and ANSI mode.
        source: A DuckDB file, or a model file that `sqlscore export` wrote, whose events have the names of the columns
            of `sqlscore.events`.
        mapping: The name of the mapping.
        models: Models besides the champion that queries name, `model => 'name@version'`.
        as_of: The moment of churn risks for which a query names none, UTC. Spark has no mapped table to take it from.

    Returns:
        The names.

    Raises SparkError, which says what to set or install, if the session or its workers cannot do this, ModelError or
    MappingError if the source does not hold what is asked for.

    Examples:
        >>> sqlscore.spark.register(spark, "shop.duckdb", as_of="2024-06-30")
        >>> spark.sql("SELECT user_id, churn_risk(collect_list(struct(e.*))) FROM events e GROUP BY user_id")
    """
    check_session(spark)
    packed = pack(source, mapping, tuple(models))
    newest = None if as_of is None else moment(as_of, "as_of", SparkError)
    shipment = ship(spark, packed)
    names = []
    for public in PUBLIC:
        call = SparkFunction(public.name, shipment, newest)
        for name in (public.name, public.list_name):
            spark.udf.register(packed.mapping.prefix + name, call.as_udf())
            names.append(packed.mapping.prefix + name)
    return tuple(names)


@dataclass(frozen=True)
class SparkFunction:
    """A public function as Spark calls it in its workers: columns of Arrow in, one column out.

    Attributes:
        name: of the public function.
        shipment: the mapping and the models.
        as_of: µs, the moment where a query names none; None if there is none.
    """

    name: str
    shipment: Shipment
    as_of: int | None

    @property
    def public(self) -> Public:
        """What the function is."""
        return public_functions()[self.name]

    @property
    def head(self) -> Internal:
        """The internal function that gives the value."""
        return head_of(self.public)

    def as_udf(self) -> Any:
        """The Arrow function, for `spark.udf.register`.

        Of one that gives a struct, Spark is told that it is not deterministic: one that is goes into the filter and the
        sort that read a field of its value as well as into the projection, and runs in each of them. The others stay
        deterministic, so that they may stand in an aggregate.
        """
        from pyspark.sql.functions import arrow_udf

        kind = arrow_of(self.head.returns)
        function = arrow_udf(self.values, spark_of(kind))
        return function.asNondeterministic() if pa.types.is_struct(kind) else function

    def values(self, events: pa.Array, *given: pa.Array, **named: pa.Array) -> pa.Array:
        """N lists of events, then the parameters as columns -> N values."""
        catalog = catalog_of(self.shipment)
        mapping = Mapping.from_json(self.shipment.mapping)
        values = self._parameters(len(events), given, named)
        for value in (events, *values.values()):
            _refuse_other_zones(value.type)
        newest = repeated(self.as_of, len(events), pa.timestamp("us"))
        if "{high_water}" in self.public.arguments:
            self._require_moment(values["as_of"], mapping)
        result = Lists(catalog, mapping, events, newest).call(self.public, values)
        return result.cast(in_utc(result.type))

    def _parameters(self, size: int, given: tuple[pa.Array, ...], named: dict[str, pa.Array]) -> dict[str, pa.Array]:
        """The parameters by name, each a column of `size` values, with the defaults of those that are not given."""
        expected = [name for name, _ in self.public.parameters]
        values = dict(zip(expected, given, strict=False))
        wrong = [name for name in named if name not in expected or name in values]
        required = [name for name, default in self.public.parameters if default is None]
        values |= named
        missing = [name for name in required if name not in values]
        if len(given) > len(expected) or wrong or missing:
            raise EventsError(
                f"{self.name} takes a list of events, then {', '.join(expected)}"
                f"{f' (required: {required[0]})' if required else ''}; given were {len(given)} in order and "
                f"{', '.join(named) or 'none'} by name"
            )
        return {name: repeated(value, size) for name, value in defaults(self.public).items()} | values

    def _require_moment(self, as_of: pa.Array, mapping: Mapping) -> None:
        if self.as_of is None and mapping.group is None and as_of.null_count:
            raise EventsError(
                f"{self.name} needs a moment, and Spark has no mapped table to take it from: pass "
                "as_of => TIMESTAMP '2024-01-31 00:00:00', or register(..., as_of=...)"
            )


def _refuse_other_zones(kind: pa.DataType) -> None:
    """Raises SparkError for times of a session in another zone: there 2024-01-31 is another moment than in DuckDB."""
    if pa.types.is_timestamp(kind):
        if kind.tz is not None and not is_utc(kind.tz):
            raise SparkError(
                f"this session's time zone is {kind.tz} now, and DuckDB's moments are UTC: SET TIME ZONE UTC"
            )
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        _refuse_other_zones(kind.value_type)
    elif pa.types.is_struct(kind):
        for field in kind:
            _refuse_other_zones(field.type)
