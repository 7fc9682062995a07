"""Adobe Analytics' data feed: hit_data.tsv without a header, and column_headers.tsv, which has it.

Sources: Adobe's "Data feed contents" and "Data column reference" (hitid_high and hitid_low identify a hit,
post_visid_high and post_visid_low a visitor; hit_time_gmt is when Adobe received a hit, in seconds, and
cust_hit_time_gmt when it was made, in report suites that take times from devices, which send later what happened
offline), "Calculate metrics" (hits with exclude_hit above 0, and those of hit_source 5, 7, 8 and 9, which are data
sources, are not counted; a visit_num may be there twice, and visit_start_time_gmt tells the visits apart; hits of a
visit go by visit_page_num) and "Special characters" (a backslash stands before a tab, a line's end or a backslash that
is part of a value). Columns of a feed are chosen by whoever orders it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from sqlscore.errors import MappingError
from sqlscore.mapping.presets.columns import selected
from sqlscore.mapping.presets.export import Counted, Export, Preset
from sqlscore.mapping.presets.files import files_of, first_line
from sqlscore.mapping.presets.promises import check_columns, check_values
from sqlscore.mapping.presets.sources import Column, Source, headed, open_source

_TITLE = "Adobe Analytics (data feed)"
_TAB = re.compile(r"(?<!\\)(?:\\\\)*\t")
"""The end of a column, which no backslash stands before, unless that is one of a pair: a backslash of the value."""
_HEADERS = ("column_headers.tsv", "column_headers.tsv.gz")
_COLUMNS = (
    Column("hitid_high", required=True),
    Column("hitid_low", required=True),
    Column("hit_time_gmt", "BIGINT", required=True),
    Column("post_visid_high", required=True),
    Column("post_visid_low", required=True),
    Column("visit_num", "BIGINT", required=True),
    Column("visit_page_num", "BIGINT", required=True),
    Column("exclude_hit", "BIGINT", required=True),
    Column("hit_source", "BIGINT", required=True),
    Column("post_cust_hit_time_gmt", "BIGINT"),
    Column("cust_hit_time_gmt", "BIGINT"),
    Column("visit_start_time_gmt", "BIGINT"),
    Column("post_pagename"),
    Column("post_page_event"),
    Column("post_channel"),
    Column("geo_country"),
)
_COUNTED = "exclude_hit = 0 AND hit_source NOT IN (5, 7, 8, 9)"
_TIME = "coalesce(nullif(post_cust_hit_time_gmt, 0), nullif(cust_hit_time_gmt, 0), hit_time_gmt)"
_QUERY = f"""SELECT post_visid_high || ':' || post_visid_low AS user_id,
    make_timestamp({_TIME} * 1000000) AS event_time,
    coalesce(post_pagename, 'link:' || coalesce(post_page_event, '')) AS event_type,
    hitid_high || ':' || hitid_low AS event_id,
    visit_start_time_gmt, visit_num, visit_page_num,
    post_channel, geo_country
FROM delivered
WHERE {_COUNTED}"""


def _build(con: duckdb.DuckDBPyConnection, paths: Sequence[str], options: dict[str, Any]) -> Export:
    del options  # it has none
    source = _feed(con, paths)
    check_columns(_TITLE, source, _COLUMNS)
    check_values(con, _TITLE, source, _COLUMNS)
    return Export(
        {"delivered": selected(source, _COLUMNS)},
        _QUERY,
        event_id=("event_id",),
        order=("visit_start_time_gmt", "visit_num", "visit_page_num", "event_id"),
        counted=(
            Counted("hits that Adobe excludes, left out", f"SELECT count(*) FROM delivered WHERE NOT ({_COUNTED})"),
        ),
        ids_of_all=True,
    )


def _feed(con: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> Source:
    """The hits, with the names of their columns from the file beside them, or from a header that somebody added."""
    hits, headers = [], []
    for path in paths:
        folder = Path(path).is_dir()
        files = files_of(str(Path(path) / "*hit_data*")) if folder else files_of(path) or [path]
        hits += [file for file in files if Path(file).name not in _HEADERS]
        beside = [Path(path) if folder else Path(file).parent for file in ([path] if folder else files)]
        headers += [str(at / name) for at in beside for name in _HEADERS if (at / name).exists()]
    if not hits:
        raise MappingError(f'"{paths[0]}" holds no hit_data.tsv: name the folder or the files of the feed')
    if not all(files_of(hit) for hit in hits) or "hitid_high" in (first_line(con, hits[0]) or ""):
        return open_source(con, paths, _COLUMNS)
    if not headers:
        raise MappingError(
            f'beside "{hits[0]}" there is no column_headers.tsv, which names its columns: put the one of the feed there'
        )
    names = {tuple(next(csv.reader([first_line(con, file) or ""], delimiter="\t"))) for file in headers}
    if len(names) > 1:
        raise MappingError(
            f'the column_headers.tsv beside "{hits[0]}" differ: map feeds of different columns one by one'
        )
    (columns,) = names
    for hit in hits:
        n_values = len(_TAB.findall(first_line(con, hit) or "")) + 1
        if n_values > len(columns):
            raise MappingError(
                f'"{hit}" has {n_values} columns and column_headers.tsv names {len(columns)}: put the one beside it '
                "that was delivered with it"
            )
    return headed(con, hits, columns)


ADOBE = Preset("adobe", _TITLE, _build, (frozenset({"hitid_high", "hitid_low", "hit_time_gmt"}),))
