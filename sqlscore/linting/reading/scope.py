"""What an expression sees: the rows of the FROM clause, the names of the SELECT, and the queries around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

from sqlglot import exp

from sqlscore.linting.catalog import Catalog
from sqlscore.linting.observations import Observations
from sqlscore.linting.relations import Relation
from sqlscore.linting.values import NO_READS, NOTHING, Moment, Read, Reads, Value, mixed
from sqlscore.linting.zones import NO_FACTS, Facts, Var


@dataclass
class Source:
    """One entry of FROM under its name."""

    alias: str
    relation: Relation
    nullable: bool = False

    def value(self, name: str) -> Value | None:
        """A column; of the side of an outer join that may be missing, whether it is there counts too."""
        found = self.relation.columns.get(name, self.relation.columns.get("?"))  # one that PIVOT made
        if found is not None and self.nullable:
            return found.also(self.relation.presence | self.relation.when)
        return found


@dataclass
class Grouping:
    """What rows are put together by: the values of the keys."""

    keys: tuple[Value, ...]
    by_user: bool
    has_moment: bool


@dataclass
class Scope:
    """What the expressions of one SELECT see.

    Attributes:
        sources: the entries of FROM.
        ctes: relations by name that WITH made, here and around.
        outer: the SELECT around it.
        facts: what holds of each row so far.
        grain: see Relation, as the fields after it; keys are of (alias, column).
        aliases: values that SELECT named.
        grouping: set once rows are put together.
        windows: the named windows.
        merged: columns of USING.
    """

    sources: list[Source] = field(default_factory=list)
    ctes: dict[str, Relation] = field(default_factory=dict)
    outer: Scope | None = None
    facts: Facts = NO_FACTS
    grain: tuple[Moment, ...] = ()
    keys: tuple[frozenset[tuple[str, str]], ...] = ()
    presence: Reads = NO_READS
    event: bool = False
    tables: tuple[tuple[str, Var], ...] = ()
    first: tuple[tuple[Var, str, tuple[tuple[str, str], ...]], ...] = ()
    last: tuple[tuple[Var, str, tuple[tuple[str, str], ...]], ...] = ()
    whole: str | None = None
    aliases: dict[str, Value] = field(default_factory=dict)
    grouping: Grouping | None = None
    windows: dict[str, exp.Window] = field(default_factory=dict)
    merged: dict[str, Value] = field(default_factory=dict)
    correlated: bool = False
    window_facts: Facts = NO_FACTS
    multiplied: dict[str, frozenset[str]] = field(default_factory=dict)
    fixed: frozenset[str] = frozenset()
    filtered: bool = False
    picked: bool = False
    rows: tuple[Moment, ...] = ()
    when: Reads = NO_READS

    def place(self, column: exp.Column | exp.Identifier) -> tuple[str, str] | None:
        """The alias and name that a column stands for here, None if it is none of this FROM."""
        name, table = column.name.casefold(), column.text("table").casefold()
        for source in self.sources:
            if table in ("", source.alias) and name in source.relation.columns:
                return (source.alias, name)
        return None

    def column(self, name: str, table: str = "") -> Value | None:
        """The value of a column, here or in a query around."""
        found = self._own_column(name, table)
        if found is None and table:  # a field of a struct: column.field
            inner = self.column(table)
            found = self.field(inner, name) if inner is not None else None
        if found is None and self.outer is not None:
            found = self.outer.column(name, table)
            self.correlated = self.correlated or found is not None
        return found

    def _own_column(self, name: str, table: str) -> Value | None:
        """A column, an alias of SELECT, or a whole row of this FROM."""
        if not table and name in self.merged:
            return self.merged[name]
        for source in self.sources:
            found = source.value(name) if table in ("", source.alias) else None
            if found is not None:
                return found
        if table:
            return None
        if name in self.aliases:
            return self.aliases[name]
        return next((self.row_of(source) for source in self.sources if source.alias == name), None)

    @staticmethod
    def field(value: Value, name: str) -> Value:
        """A field of a struct."""
        for known, inner in value.row or ():
            if known == name:
                return inner
        return mixed([value])

    def row_of(self, source: Source) -> Value:
        """The whole row of an entry of FROM."""
        columns = tuple((name, source.value(name) or NOTHING) for name in source.relation.columns)
        whole = mixed(value for _, value in columns)
        return Value(whole.reads, tags=whole.tags, row=columns)

    def note_when(self) -> None:
        """Note which rows between two moments groups are of, before it is forgotten that they have to be there."""
        bounded = {fact.left.roots() for fact in self.facts if fact.right.kind != "newest"}
        bounded |= {fact.right.roots() for fact in self.facts if fact.left.kind != "newest"}
        self.when = frozenset(read for read in self.presence if read.var.roots() in bounded)

    def all_facts(self) -> Facts:
        """What holds here and around."""
        return self.facts | self.window_facts | (self.outer.all_facts() if self.outer is not None else NO_FACTS)

    def around(self) -> Iterator[Scope]:
        """This scope and those around it."""
        here: Scope | None = self
        while here is not None:
            yield here
            here = here.outer

    def cte(self, name: str) -> Relation | None:
        """The relation of that name that WITH made."""
        return next((scope.ctes[name] for scope in self.around() if name in scope.ctes), None)

    def row_reads(self) -> Reads:
        """The times of the rows of this FROM that are counted."""
        found: set[Read] = set()
        for source in self.sources:
            relation = source.relation
            own = {moment.var.roots() for moment in relation.grain}
            for value in relation.columns.values():
                found |= {read for read in value.reads if read.var.roots() in own}
            if not own:
                found |= relation.presence
        return frozenset(found)


class Reader:
    """One reading of a text: the catalog, fresh names, and what was seen on the way."""

    def __init__(
        self,
        catalog: Catalog,
        value: Callable[[Reader, Scope, exp.Expr | None], Value],
        query: Callable[[Reader, Scope, exp.Expr], Relation],
    ) -> None:
        """Args: what the file has; what reads an expression, and a query, which both need each other."""
        self._value, self._query = value, query
        self.catalog = catalog
        self.seen = Observations()
        self._numbers = count(1)
        self.expanding: list[str] = []
        self.models: dict[str, exp.Expr] = {}
        self.made: dict[str, Relation] = {}
        self.temporary: dict[str, Relation] = {}
        self.schema = "sqlscore"

    def value(self, scope: Scope, node: exp.Expr | None) -> Value:
        """What an expression depends on."""
        return self._value(self, scope, node)

    def values(self, scope: Scope, nodes: Iterable[object]) -> list[Value]:
        """What each expression depends on."""
        return [self.value(scope, node) for node in nodes if isinstance(node, exp.Expr)]

    def query(self, scope: Scope, node: exp.Expr) -> Relation:
        """The rows of a query."""
        return self._query(self, scope, node)

    def fresh(self, what: str = "") -> Var:
        """The time of rows that were not met yet."""
        return Var("row", f"{next(self._numbers)}:{what}")

    def copy(self, relation: Relation) -> Relation:
        """The rows of a relation read once more."""
        return relation.copied({var: self.fresh(var.name.partition(":")[2]) for var in relation.variables()})


def ctes_alone(scope: Scope) -> Scope:
    """What a CTE sees: those before it, and what is around the query."""
    return Scope(ctes=dict(scope.ctes), outer=scope.outer)
