"""Readers of settings, of what people type, of SQL and of process logs."""

from __future__ import annotations

import json
from random import Random

import numpy as np
from fuzz_mutation import bytes_like, text_like, value_like
from fuzz_target import Target, temporary_file
from small_shop import open_shop

import sqlscore
from sqlscore.errors import EventsError, MappingError, SqlscoreError
from sqlscore.events.mapping import Feature, Mapping
from sqlscore.events.packing import packed
from sqlscore.mapping.composition.identity import Identity
from sqlscore.mapping.composition.sources import Source
from sqlscore.mapping.process_logs.ocel import Ocel
from sqlscore.mapping.process_logs.ocel_json import read_ocel_json
from sqlscore.mapping.process_logs.ocel_xml import read_ocel_xml
from sqlscore.mapping.process_logs.xes import read_xes
from sqlscore.statements.checking import checked
from sqlscore.times import in_words, moment, to_seconds
from sqlscore.verbs.horizons import spans_of
from sqlscore.verbs.lint import lint_sql

MAPPING = Mapping("events", '"e"', "user_id", "event_time", "event_type", (Feature("price", "numeric"),))


def mapping() -> Target:
    """The settings of a mapping, as a file holds them."""
    seeds = [
        json.loads(MAPPING.to_json()),
        json.loads(Mapping("m", "x", "u", "t", "a", time_unit="ms", time_cap=5, event_id=("id",), order=("n",),
                           exclude_types=("noise",), group="site", append_only=True).to_json()),
    ]  # fmt: skip

    def make(random: Random) -> str:
        if random.random() < 0.4:
            return text_like(random, [json.dumps(seed) for seed in seeds])
        return json.dumps(value_like(random, random.choice(seeds)))

    def read(text: str) -> None:
        mapping = Mapping.from_json(text)
        packed(mapping)
        assert Mapping.from_json(mapping.to_json()) == mapping

    return Target(make, read, (MappingError,), MAPPING.to_json())


def lengths() -> Target:
    """Lengths of time and horizons, as people write them."""
    seeds = ["14 days", "36h", "2 weeks", "1.5 hours", "90", "7 days,30 days,90 days", " 10 min "]

    def read(text: str) -> None:
        longest, shorter = spans_of(None, text)
        for seconds in (*shorter, longest, to_seconds(text.split(",")[0])):
            if seconds is not None:
                assert np.isfinite(seconds), "a length of time is no number"
                in_words(seconds)

    return Target(lambda random: text_like(random, seeds), read, (SqlscoreError,), seeds[0])


def moments() -> Target:
    """Moments in time, as people write them."""
    seeds = ["2024-01-31", "2024-01-31 12:00:00", "2024-01-31T12:00:00+02:00", "0001-01-01T00:00:00Z", "9999-12-31",
             "20240131T120000.123456-1130", "2024-W05-3"]  # fmt: skip
    return Target(lambda random: text_like(random, seeds), lambda text: moment(text, "as_of"), (EventsError,), seeds[2])


def options() -> Target:
    """Sources and tables of who is who, as options of a command."""
    seeds = [
        "clicks: user_id=uid, event_time=\"at\", event_type='buy', price=p",
        "'x.parquet'",
        '"odd "" name": chains=true',
        "ids: device=anonymous_id, user=user_id, valid_from=since, chains=true",
        "f.csv: name=web, time_unit=ms",
    ]

    def read(given: tuple[bool, str]) -> None:
        (Source if given[0] else Identity).from_text(given[1])

    return Target(
        lambda random: (random.random() < 0.5, text_like(random, seeds)), read, (MappingError,), (True, seeds[0])
    )


def statements() -> Target:
    """SQL that somebody else sent: may it run, and does it show a model the future."""
    con = open_shop()
    seeds = [
        "SELECT user_id, churn_risk(e) FROM e WHERE event_time < TIMESTAMP '2024-02-01' GROUP BY user_id",
        "WITH a AS (SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY price) AS n FROM e) FROM a WHERE n < 3",
        "SELECT list(event_type ORDER BY event_time) FILTER (price > 1) FROM e GROUP BY ALL HAVING count(*) > 1",
        "EXPLAIN SELECT CASE WHEN price IS NULL THEN 'a''b' ELSE $$x$$ END, 1e5::DECIMAL(9, 2) FROM e LIMIT 5",
        "SELECT a.user_id FROM e a ASOF JOIN e b ON a.user_id = b.user_id AND a.event_time >= b.event_time -- x",
    ]  # fmt: skip

    def read(given: tuple[str, str]) -> None:
        kind, text = given
        if kind == "checked":
            checked(con, text)
        elif kind == "lint":
            lint_sql(con, text)
        else:
            sqlscore.transpile(con, text, dialect=kind)

    kinds = ("checked", "checked", "lint", "spark", "postgres")
    return Target(
        lambda random: (random.choice(kinds), text_like(random, seeds)), read, (SqlscoreError,), ("checked", seeds[0])
    )


def process_logs() -> Target:
    """XES and OCEL."""
    path = temporary_file()
    xes = b"""<?xml version="1.0"?><log xes.version="1.0"><global scope="event">
<string key="concept:name" value=""/></global>
<trace><string key="concept:name" value="c1"/><event><string key="concept:name" value="a"/>
<date key="time:timestamp" value="2024-01-01T00:00:00.000+01:00"/><int key="n" value="5"/></event></trace></log>"""
    ocel_json = json.dumps({
        "eventTypes": [{"name": "a", "attributes": [{"name": "n", "type": "integer"}]}], "objectTypes": [{"name": "o"}],
        "events": [{"id": "e1", "type": "a", "time": "2024-01-01T00:00:00Z", "attributes": [{"name": "n", "value": 5}],
                    "relationships": [{"objectId": "o1", "qualifier": "q"}]}],
        "objects": [{"id": "o1", "type": "o"}]}).encode()  # fmt: skip
    ocel_xml = b"""<log><event-types><event-type name="a"/></event-types><events><event id="e1" type="a"
 time="2024-01-01T00:00:00Z"><objects><relationship object-id="o1" qualifier="q"/></objects></event></events>
<objects><object id="o1" type="o"/></objects></log>"""
    seeds = {"xes": xes, "json": ocel_json, "xml": ocel_xml}

    def read(given: tuple[str, bytes]) -> None:
        kind, data = given
        path.write_bytes(data)
        if kind == "xes":
            read_xes(path, path.parent).close()
            return
        log = Ocel(path.parent)
        try:
            (read_ocel_json if kind == "json" else read_ocel_xml)(path, log)
        finally:
            log.close()

    def make(random: Random) -> tuple[str, bytes]:
        kind = random.choice(sorted(seeds))
        return kind, bytes_like(random, [seeds[kind]])

    return Target(make, read, (MappingError,), ("xes", xes))
