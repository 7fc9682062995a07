"""Which columns of an output read more than their row's moment may know, and which are labels that should."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from sqlscore.linting import words
from sqlscore.linting.observations import Output
from sqlscore.linting.relations import Relation
from sqlscore.linting.values import Moment, Read, Value, after, not_after
from sqlscore.linting.verdicts import Judged, Label, Leak
from sqlscore.linting.zones import bound

_FEATURES = re.compile(r"feat|training|train_set|inputs|predictors|covariates", re.I)


_TOLERANCE = 1e-3  # seconds


def judged(output: Output) -> Judged:
    """Judge the rows that a query gives.

    Of the moments that can be a row's own, the one is taken at which least is wrong: a pair of a visit and an earlier
    click is of the visit's time, however the join is written.
    """
    relation = output.relation
    has_user = any("user" in value.tags for value in relation.columns.values())
    wall = tuple(_of_the_wall_clock(output)) if has_user or relation.event else ()
    moments = list(_candidates(output, has_user))
    if not moments:
        named = tuple(name for name, value in relation.columns.items() if words.is_label(name) or "label" in value.tags)
        return Judged(output, None, named, wall, (), False, has_user)
    found = [_at(output, moment, has_user) for moment in moments]
    best = min(found, key=lambda one: (len(one.leaks) + len(one.early), len(one.early)))
    known = {(leak.column, leak.read.origin) for leak in best.leaks}
    more = tuple(leak for leak in wall if (leak.column, leak.read.origin) not in known)
    return Judged(output, best.moment, best.labels, best.leaks + more, best.early, best.shared, has_user)


def _candidates(output: Output, has_user: bool) -> Iterator[Moment]:
    """The moments that a row of the output can be of; none if its rows are of today."""
    relation = output.relation
    if relation.grain and not (relation.event or has_user):
        return  # a report over time, which says nothing of anybody
    for moment in _own(relation):
        yield moment
        step = moment.var.step if moment.var.kind == "trunc" else moment.grain
        if step:
            yield Moment(moment.var, moment.low + step, moment.high + step)
    if relation.grain or not has_user:
        return
    for name, value in relation.columns.items():
        if value.moment is not None and (value.moment.var.is_fixed) and (words.is_as_of(name)):
            yield value.moment
    for name, value in relation.columns.items():
        if words.is_label(name):
            yield from _begins(relation, value)


def _own(relation: Relation) -> tuple[Moment, ...]:
    """What the rows are of: of pairs that show the time of one side alone, that side, if no label says otherwise."""
    columns = relation.columns.items()
    shown = {value.moment.var.roots() for _, value in columns if value.moment is not None}
    labelled = any("label" in value.tags or words.is_label(name) for name, value in columns)
    own = tuple(moment for moment in relation.grain if moment.var.roots() in shown)
    return relation.grain if labelled or not own else own


def _begins(relation: Relation, value: Value) -> Iterator[Moment]:
    """The fixed moments from which on a label reads."""
    for read in value.reads:
        facts = relation.facts | read.facts
        fixed = {var for fact in facts for var in (fact.left, fact.right) if var.is_fixed and var.kind != "newest"}
        fixed |= {var for fact in facts for var in (fact.left, fact.right) if var.kind == "newest"}
        for var in fixed:
            known = bound(facts, var, read.var)
            if known is not None:
                yield Moment(var, -known[0], -known[0])


def _of_the_wall_clock(output: Output) -> Iterator[Leak]:
    """Columns that reckon with the wall clock; one that is the wall clock says when the row was made."""
    relation = output.relation
    places = [(name, value.reads, output.nodes.get(name, output.node)) for name, value in relation.columns.items()
              if not (value.moment is not None and value.moment.var.kind == "wall")
              and not (words.is_audit(name) and len(value.reads) == 1)]  # fmt: skip
    reckoned = {name for name, value in relation.columns.items() if relation.grain and "reckoned" in value.tags}
    for name, reads, node in [*places, ("", relation.presence, output.node)]:
        for read in reads:
            if read.origin.kind == "wall" and (name == "" or len(reads) > 1 or name in reckoned):
                yield Leak(output, name, read, None, False, Moment(read.var), node, ())


def _at(output: Output, moment: Moment, has_user: bool) -> Judged:
    """The output if its rows are of this moment."""
    relation = output.relation
    labels = _labels(output, moment)
    leaks: list[Leak] = []
    for name, value in relation.columns.items():
        if name in labels or _is_the_moment(value, moment, relation):
            continue
        leaks += _leaks(output, name, value, moment, labels)
    for read in relation.presence:
        if (
            read.origin.kind != "wall"
            and not read.var.is_fixed
            and not _is_fine(relation, read, moment)
            and not after(relation.facts, read, moment)
        ):
            leaks.append(_leak(output, "", read, moment, labels, output.node))
    if any(leak.column for leak in leaks):
        leaks = [leak for leak in leaks if leak.column]  # what keeps rows is said once
    early = tuple(_early(output, moment, labels))
    shared = any(
        _reaches(relation, read, moment)
        for name, value in relation.columns.items()
        if name not in labels
        for read in value.reads
    )
    return Judged(output, moment, labels, tuple(leaks), early, shared, has_user)


def _reaches(relation: Relation, read: Read, moment: Moment) -> bool:
    """Whether rows of the very moment are read."""
    known = bound(relation.facts | read.facts, read.var, moment.var)
    return known == (moment.low, False) and read.var != moment.var and moment.var.kind != "trunc"


def _is_the_moment(value: Value, moment: Moment, relation: Relation) -> bool:
    """Whether a column is a moment of the row itself, or when the row was written."""
    if value.moment is None:
        return False
    own = {one.var for one in relation.grain} | {moment.var}
    return value.moment.var in own or value.moment.var.kind == "wall"


def _is_fine(relation: Relation, read: Read, moment: Moment) -> bool:
    return not_after(relation.facts, read, moment, _TOLERANCE)


def _leaks(output: Output, name: str, value: Value, moment: Moment, labels: tuple[str, ...]) -> Iterator[Leak]:
    relation = output.relation
    for read in value.reads:
        if read.origin.kind == "wall":
            continue  # see _of_the_wall_clock
        if not _is_fine(relation, read, moment):
            yield _leak(output, name, read, moment, labels, output.nodes.get(name, output.node))


def _leak(output: Output, name: str, read: Read, moment: Moment, labels: tuple[str, ...], node: exp.Expr) -> Leak:
    facts = output.relation.facts | read.facts
    known = bound(facts, read.var, moment.var)
    reach = known[0] - moment.high if known is not None else None
    return Leak(output, name, read, reach, after(output.relation.facts, read, moment), moment, node, labels)


def _labels(output: Output, moment: Moment) -> tuple[str, ...]:
    """The columns that a model should predict, or that say how it did."""
    columns = output.relation.columns
    sure = {name for name, value in columns.items() if _is_sure(output.relation, name, value, moment)}
    named = {columns[name].base for name in sure if words.is_label(name)}
    sure = {name for name in sure if words.is_label(name) or columns[name].base not in named}  # else it is a copy
    names = " ".join([output.name, *(one.alias for one in output.node.find_all(exp.CTE))])
    if not _FEATURES.search(names):
        sure |= {name for name, value in columns.items() if _may_be(output.relation, name, value, moment, bool(sure))}
    return tuple(name for name in columns if name in sure)


def _is_sure(relation: Relation, name: str, value: Value, moment: Moment) -> bool:
    if value.tags & {"score"}:
        return False
    if "label" in value.tags and (value.base is not None or words.is_label(name)):
        return True
    if words.is_sure_label(name):
        return True
    bad = [read for read in value.reads if not _is_fine(relation, read, moment)]
    return words.is_label(name) and bool(bad) and all(after(relation.facts, read, moment) for read in bad)


def _may_be(relation: Relation, name: str, value: Value, moment: Moment, beside: bool) -> bool:
    """Whether a column is about what follows alone, and says so; a truth value needs to be the only label."""
    if "label" in value.tags:
        return words.is_label(name)
    bad = [read for read in value.reads if not _is_fine(relation, read, moment)]
    if not bad or not all(after(relation.facts, read, moment) for read in bad):
        return False
    is_truth = bool(value.tags & {"boolean", "null_test"}) and (not beside or "score" in value.tags)
    return words.is_label(name) or words.is_later(name) or is_truth


def _early(output: Output, moment: Moment, labels: tuple[str, ...]) -> Iterator[Label]:
    """Labels that read what came before the row's moment as well as what came after."""
    relation = output.relation
    for name in labels:
        value = relation.columns[name]
        for read in value.reads:
            if read.var == moment.var or read.var.roots() == moment.var.roots() or read.var.is_fixed:
                continue
            if _is_fine(relation, read, moment):
                continue
            known = bound(relation.facts | read.facts, moment.var, read.var)
            before = known[0] + moment.high if known is not None else None
            if before is not None and before < -_TOLERANCE:
                continue
            if before is None and read.origin.kind != "label":
                continue
            if before is not None and before <= _TOLERANCE:
                if known is not None and not known[1]:
                    yield Label(output, name, read, 0.0, output.nodes.get(name, output.node))
                continue
            yield Label(output, name, read, before, output.nodes.get(name, output.node))
