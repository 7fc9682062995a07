"""What the page of segments asks: how many, what they are like, a page of them, all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlscore.quoting import identifier, qualified
from sqlscore.webapp.customers import Source, with_actions
from sqlscore.webapp.opening import Database
from sqlscore.webapp.selection import Selection, Sql, bound, readable

if TYPE_CHECKING:
    import pyarrow as pa

ORDERS = {
    "active ones by risk": "is_active DESC NULLS LAST, churn_risk DESC NULLS LAST, user_id",
    "lowest risk first": "churn_risk NULLS LAST, user_id",
    "seen last first": "last_event_time DESC, user_id",
    "most events first": "n_events DESC, user_id",
    "most certain next action first": "next_action_probability DESC NULLS LAST, user_id",
}


@dataclass(frozen=True)
class Segments:
    """Questions about the customers of one mapping, answered from temporary tables that the first question makes."""

    database: Database
    source: Source

    def count(self, chosen: Selection) -> dict[str, Any]:
        """n_users, n_active, mean_risk and expected_churners of active users, n_all."""
        sql, values = bound(
            "SELECT count(*) AS n_users, count(*) FILTER (is_active) AS n_active,\n"
            "    avg(churn_risk) FILTER (is_active) AS mean_risk,\n"
            "    sum(churn_risk::DOUBLE) FILTER (is_active) AS expected_churners,\n"
            f"    (SELECT count(*) FROM {self._scores()}) AS n_all\nFROM ",
            self._relation(chosen),
            *chosen.where(),
        )
        return self.database.rows(sql, values)[0]

    def by(self, column: str, chosen: Selection) -> pa.Table:
        """How many customers there are with each value of a column, and their mean risk: value, n_users, mean_risk."""
        name = identifier(column)
        sql, values = bound(
            f"SELECT {name} AS value, count(*) AS n_users, avg(churn_risk) AS mean_risk\nFROM ",
            self._relation(chosen),
            *chosen.where(),
            "\nGROUP BY ALL ORDER BY n_users DESC, value LIMIT 20",
        )
        return self.database.table(sql, values)

    def page(self, chosen: Selection, order: str, size: int, number: int) -> pa.Table:
        """One page of the chosen customers; ids are text, since a browser rounds large numbers.

        Args:
            chosen: who.
            order: a key of ORDERS.
            size: rows.
            number: of the page, from 0.
        """
        columns = ", ".join(["CAST(user_id AS VARCHAR) AS user_id", *self._carried(chosen)[1:]])
        sql, values = bound(
            f"SELECT {columns}\nFROM (FROM ",
            self._relation(chosen),
            *chosen.where(),
            f"\nORDER BY {ORDERS[order]} LIMIT {int(size)} OFFSET {int(size) * int(number)})",
        )
        return self.database.table(sql, values)

    def values(self, column: str, most: int = 1_000) -> list[Any]:
        """The values of a column, the most frequent first."""
        name = identifier(column)
        frequent = f"ORDER BY count(*) DESC, value LIMIT {int(most)}"
        sql = f"SELECT {name} AS value FROM {self._scores()} GROUP BY {name} {frequent}"
        return [row["value"] for row in self.database.rows(sql)]

    def range(self, column: str) -> tuple[Any, Any]:
        """The smallest and the largest value of a column, None where it has none."""
        name = identifier(column)
        times = {each.name for each in self.source.filtered if each.is_time}
        finite = f" WHERE isfinite({name})" if column in times else ""
        row = self.database.rows(f"SELECT min({name}) AS low, max({name}) AS high FROM {self._scores()}{finite}")[0]
        return row["low"], row["high"]

    def actions(self) -> list[str]:
        """The actions that occur, the most frequent first."""
        events = qualified(self.source.schema, "events")
        sql = f"SELECT event_type FROM {events} GROUP BY event_type ORDER BY count(*) DESC, event_type"
        table = self.database.cached(f"actions of {self.source.mapping}", sql)
        return [row["event_type"] for row in self.database.rows(f"FROM {table}")]

    def prepare_scores(self) -> None:
        """Make the table of scores and attributes, which everything but the last actions is read from."""
        self._scores()

    def prepare(self) -> None:
        """Make the tables that the filters read, so that the first filter does not wait."""
        self.actions()
        self._with_actions()

    def prepare_soon(self) -> None:
        """Begin with it in another thread, while somebody looks at the first page."""
        self.database.soon(f"last actions of {self.source.mapping}", self.prepare)

    def shown(self, chosen: Selection) -> str:
        """The query that chooses them, to run anywhere on the file."""
        return readable(*self.whole(chosen))

    def whole(self, chosen: Selection) -> Sql:
        """The query of all chosen customers, on the file itself."""
        relation = f"({self.source.whole()})" if chosen.reads_actions else f"({self.source.scores()})"
        columns = ", ".join(map(identifier, self._columns(chosen)))
        return (f"SELECT {columns}\nFROM {relation} AS customers", *chosen.where())

    def of_all(self, chosen: Selection) -> Sql:
        """As `whole`, from the temporary tables: what a download streams."""
        columns = ", ".join(self._carried(chosen))
        return (f"SELECT {columns}\nFROM ", self._relation(chosen), *chosen.where())

    def _carried(self, chosen: Selection) -> list[str]:
        return [self.source.carried(name) for name in self._columns(chosen)]

    def _columns(self, chosen: Selection) -> tuple[str, ...]:
        return tuple(name for name in self.source.columns if name != "last_actions" or chosen.reads_actions)

    def _relation(self, chosen: Selection) -> str:
        if not chosen.reads_actions:
            return self._scores()
        return self._with_actions()

    def _scores(self) -> str:
        return self.database.cached(f"scores of {self.source.mapping}", self.source.scores())

    def _with_actions(self) -> str:
        name = f"customers of {self.source.mapping}"
        return self.database.cached(name, with_actions(self._scores(), f"({self.source.last_actions()})"))
