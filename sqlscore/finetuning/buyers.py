"""Expected spend by the models of buying alone: what a head of amounts has to beat besides the usual baselines."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from sqlscore.arrays import Floats, Ints
from sqlscore.events.mapping import Mapping
from sqlscore.finetuning.bg_nbd import BgNbd, fit_bg_nbd
from sqlscore.finetuning.gamma_gamma import GammaGamma, fit_gamma_gamma
from sqlscore.finetuning.label_checks import TABLE
from sqlscore.finetuning.labels import Labels
from sqlscore.finetuning.spend import Spend
from sqlscore.quoting import identifier, qualified

BG_NBD = "bg_nbd"
"""The name of this baseline among the others."""

_LEARNED = "sqlscore_learned"
_DAY = 86_400e6
_LEAST = 20  # customers who bought, fewer of whom tell nothing


@dataclass(frozen=True)
class Histories:
    """N histories of purchases, as of N moments: a purchase is a day on which a user spent more than was refunded.

    Attributes:
        row: int64 (N,), rising; users who never bought have none.
        n: (N,) purchases, at least 1.
        t_x: (N,) days from the first to the last.
        t: (N,) days from the first to the moment.
        mean: (N,) of the amounts of a purchase.
    """

    row: Ints
    n: Floats
    t_x: Floats
    t: Floats
    mean: Floats


def spend_by_buying(
    con: duckdb.DuckDBPyConnection, mapping: Mapping, spend: Spend, labels: Labels, learned: Ints, seed: int
) -> Floats | None:
    """(N, 1) the expected spend of all labels by BG/NBD and gamma-gamma; None if too few users ever bought.

    Both models are fitted on the purchases of the users of the learned labels, up to when the last of these labels was
    known. Of users who never bought they say nothing: the answer is the mean of the learned labels of such users.

    Args:
        con: The connection that has the labels' table.
        mapping: The events.
        spend: What is summed.
        labels: The labels.
        learned: Which of them are learned from.
        seed: Which customers are read, if there are very many.
    """
    known = labels.as_of if labels.known_at is None else labels.known_at
    con.register(_LEARNED, pa.table({"row": learned + 1}))
    since = _histories(
        con,
        mapping,
        spend,
        f"SELECT min(row) AS row, user_id, make_timestamp({int(known[learned].max())}) AS as_of FROM {TABLE} "
        f"SEMI JOIN {_LEARNED} USING (row) GROUP BY user_id",
    )
    con.unregister(_LEARNED)
    if len(since.n) < _LEAST:
        return None
    buying, paying = fit_bg_nbd(since.n - 1, since.t_x, since.t, seed), fit_gamma_gamma(since.n, since.mean, seed)
    return _answers(buying, paying, _histories(con, mapping, spend, f"FROM {TABLE}"), spend, labels, learned)


def _answers(buying: BgNbd, paying: GammaGamma, past: Histories, spend: Spend, labels: Labels, learned: Ints) -> Floats:
    bought = np.zeros(len(labels), np.bool_)
    bought[past.row - 1] = True
    others = learned[~bought[learned]]
    found = np.full(len(labels), labels.wanted[others].mean() if len(others) else 0.0)
    ahead = np.full(len(past.n), spend.horizon / _DAY)
    purchases = buying.expected(past.n - 1, past.t_x, past.t, ahead)
    found[past.row - 1] = purchases * paying.expected(past.n, past.mean)
    return found[:, None]


def _histories(con: duckdb.DuckDBPyConnection, mapping: Mapping, spend: Spend, moments: str) -> Histories:
    """Of each row of a query for row, user_id and as_of, whose user has bought by then."""
    amount = f"CAST(e.{identifier(spend.column)} AS DOUBLE)"
    found = con.sql(
        f"""WITH days AS (
                SELECT m.row, m.as_of, date_trunc('day', e.event_time) AS day, sum({amount}) AS worth
                FROM {qualified(mapping.schema, "events")} e JOIN ({moments}) m
                    ON m.user_id = e.user_id AND e.event_time <= m.as_of
                WHERE e.{identifier(spend.column)} <> 0 GROUP BY ALL HAVING sum({amount}) > 0
            )
            SELECT row, count(*)::DOUBLE AS n, (epoch_us(max(day)) - epoch_us(min(day))) / {_DAY} AS t_x,
                (epoch_us(any_value(as_of)) - epoch_us(min(day))) / {_DAY} AS t, avg(worth) AS mean
            FROM days GROUP BY row ORDER BY row"""
    ).fetchnumpy()
    return Histories(*(np.asarray(found[name]) for name in ("row", "n", "t_x", "t", "mean")))
