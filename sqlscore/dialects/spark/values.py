"""Rules for numbers and text."""

from __future__ import annotations

import re
from functools import partial

from sqlglot import exp

from sqlscore.dialects.kinds import REAL, WHOLE, exact_digits, is_decimal, is_not_zero
from sqlscore.dialects.refusal import Refused
from sqlscore.dialects.resolution import type_of
from sqlscore.dialects.templates import target

spark = partial(target, "spark")

_NAMES = {
    "TINYINT": "TINYINT",
    "SMALLINT": "SMALLINT",
    "INTEGER": "INT",
    "BIGINT": "BIGINT",
    "HUGEINT": "DECIMAL(38, 0)",
}
_TYPES = {
    "FLOAT": "FLOAT",
    "DOUBLE": "DOUBLE",
    "VARCHAR": "STRING",
    "BOOLEAN": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP",
}


_MOST_DIGITS = 38


def cast(node: exp.Expr) -> exp.Expr | None:
    """A cast: DuckDB rounds to whole numbers, half to even from floats, where Spark cuts off."""
    if not isinstance(node, exp.Cast) or type_of(node) == "INTERVAL":
        return None  # a span of time has a rule of its own
    if isinstance(node, exp.TryCast):
        raise Refused("cast", "TRY_CAST accepts other texts in Spark: clean the text first")
    to, of = type_of(node), '"NULL"' if isinstance(node.this, exp.Null) else type_of(node.this)
    if to is None or of is None:
        raise Refused("cast", "the type of what is cast is not known: cast it where it is selected from its table")
    name = _name_of(to, of)
    if to != of and of != '"NULL"' and not _is_carried(of, to, isinstance(node.this, exp.Literal)):
        raise Refused(
            "cast", f"a cast of {of} to {to} gives other texts or values in Spark: cast it before it is stored"
        )
    rounding = "RINT(:value)" if to in _NAMES and of in REAL else ":value"
    if to in _NAMES and of.startswith("DECIMAL"):
        rounding = "ROUND(:value)"
    return spark(f"CAST({rounding} AS {name})", value=node.this)


def _name_of(kind: str, of: str) -> str:
    """Spark's name of a type."""
    name = (_NAMES | _TYPES).get(kind)
    element = (_NAMES | _TYPES).get(kind.removesuffix("[]"))
    if kind.endswith("[]") and element is not None and of in (kind, '"NULL"'):
        name = f"ARRAY<{element}>"
    if name is None:
        raise Refused("cast", f"{kind} has no equal type in Spark: use BIGINT, DOUBLE, VARCHAR, DATE or TIMESTAMP")
    return name


def _is_carried(of: str, to: str, written_out: bool) -> bool:
    """Whether a cast has the same result in both; texts are read alike only if they are written out in the query."""
    number = of in WHOLE | REAL | {"BOOLEAN"} or of.startswith("DECIMAL")
    if to in _NAMES.keys() | REAL:
        return number or (to in REAL and of == "VARCHAR" and written_out)
    if to == "VARCHAR":
        return of in WHOLE | {"DATE", "UUID"}
    if to == "DATE":
        return of == "TIMESTAMP"
    return to == "TIMESTAMP" and (of == "DATE" or (of == "VARCHAR" and written_out))


def division(node: exp.Expr) -> exp.Expr | None:
    """DuckDB divides as floats, and gives inf or NaN where Spark raises."""
    if not isinstance(node, exp.Div):
        return None
    kind = type_of(node)
    if kind not in REAL:
        raise Refused("division", "the type of this division is not known: cast a side to DOUBLE")
    name = _TYPES[kind]
    above, below = node.this, node.expression
    if is_not_zero(below):
        return spark(f"CAST(:a AS {name}) / CAST(:b AS {name})", a=above, b=below)
    a, b, nan, infinite = (f"CAST({one} AS {name})" for one in (":a", ":b", "'NaN'", "'Infinity'"))
    return spark(
        f"""CASE WHEN {b} = 0 THEN CASE WHEN {a} = 0 THEN {nan} ELSE {a} * {infinite} END
            ELSE {a} / NULLIF({b}, 0) END""",
        a=above,
        b=below,
    )


def whole_division(node: exp.Expr) -> exp.Expr | None:
    """`//` of whole numbers cuts off in both; of other numbers DuckDB rounds down."""
    if not isinstance(node, exp.IntDiv):
        return None
    if {type_of(node.this), type_of(node.expression)} <= WHOLE:
        return spark("(:a) DIV (:b)", a=node.this, b=node.expression)
    raise Refused("division", "// is carried over for whole numbers: write FLOOR(a / b)")


def arithmetic(node: exp.Expr) -> exp.Expr | None:
    """Sums and products of decimals are exact in both while they fit 38 digits."""
    if not isinstance(node, (exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.Neg)):
        return None
    sides = [side for side in (node.this, node.args.get("expression")) if isinstance(side, exp.Expr)]
    decimals = [side for side in sides if is_decimal(type_of(side))]
    if any(type_of(side) in REAL for side in sides) or all(isinstance(one.unnest(), exp.Literal) for one in decimals):
        return node
    found = exact_digits(node) if isinstance(node, (exp.Add, exp.Sub, exp.Mul)) else None
    if found is None or found[0] > _MOST_DIGITS:
        raise Refused("decimal", "arithmetic of DECIMAL has another scale in Spark: cast to DOUBLE")
    return node


def average(node: exp.Expr) -> exp.Expr | None:
    """AVG of decimals is a DECIMAL in Spark."""
    if not isinstance(node, exp.Avg):
        return None
    kind = type_of(node.this)
    if kind in REAL | WHOLE:
        return node
    if kind is not None and kind.startswith("DECIMAL"):
        return spark("AVG(CAST(:value AS DOUBLE))", value=node.this)
    raise Refused("average", f"AVG of {kind or 'an unknown type'} is not the same in Spark: cast it to DOUBLE")


def concat(node: exp.Expr) -> exp.Expr | None:
    """CONCAT leaves NULLs out in DuckDB, and is NULL in Spark."""
    if isinstance(node, exp.Concat):
        parts = {f"p{i}": part for i, part in enumerate(node.expressions)}
        for part in parts.values():
            if type_of(part) not in WHOLE | {"VARCHAR", "DATE"} and not isinstance(part, exp.Null):
                raise Refused("concat", "numbers with a fraction have other texts in Spark: cast and round first")
        texts = ", ".join(f"COALESCE(CAST(:{name} AS STRING), '')" for name in parts)
        return spark(f"CONCAT({texts})", **parts)
    if isinstance(node, exp.DPipe) and {type_of(node.this), type_of(node.expression)} - (WHOLE | {"VARCHAR", "DATE"}):
        raise Refused("concat", "only text and whole numbers have the same text in Spark: cast and round first")
    return node if isinstance(node, exp.DPipe) else None


def like(node: exp.Expr) -> exp.Expr | None:
    """A backslash escapes in Spark's LIKE, and not in DuckDB's."""
    if not isinstance(node, (exp.Like, exp.ILike)):
        return None
    pattern = node.expression
    if isinstance(pattern, exp.Literal) and "\\" not in pattern.name:
        return node
    raise Refused("like", "the pattern must be a text without a backslash, which Spark reads as an escape")


def float_functions(node: exp.Expr) -> exp.Expr | None:
    """Functions that are NULL in Spark where DuckDB has an infinite value or NaN."""
    if isinstance(node, exp.Ln):
        return _logarithm("LN", node.this)
    if isinstance(node, exp.Log):
        base, value = node.this, node.args.get("expression")
        if value is None:
            base, value = exp.Literal.number(10), base
        if isinstance(base, exp.Literal) and base.name in ("2", "10"):
            return _logarithm(f"LOG{base.name}", value)
        raise Refused("logarithm", "write LN(x), LOG2(x) or LOG10(x)")
    if isinstance(node, (exp.Floor, exp.Ceil)):
        if node.args.get("decimals") is not None:
            raise Refused("floor", "digits are not carried over")
        name = "FLOOR" if isinstance(node, exp.Floor) else "CEIL"
        if type_of(node.this) in REAL:
            small = "ABS(:x) < 4503599627370496"  # what is larger is whole, infinite or NaN: Spark's BIGINT overflows
            return spark(f"CASE WHEN {small} THEN CAST({name}(:x) AS DOUBLE) ELSE :x END", x=node.this)
        if type_of(node.this) in WHOLE:
            whole: exp.Expr = node.this
            return whole
        raise Refused("floor", f"{name} of a DECIMAL has another type in Spark: cast it to DOUBLE")
    if isinstance(node, exp.Anonymous) and re.fullmatch(r"(?i)error", node.name):
        return spark("RAISE_ERROR(:message)", message=node.expressions[0])
    return None


def _logarithm(name: str, value: exp.Expr) -> exp.Expr:
    """-inf at 0 and NaN below, where Spark gives NULL."""
    nan, least = "CAST('NaN' AS DOUBLE)", "CAST('-Infinity' AS DOUBLE)"
    return spark(f"CASE WHEN :x < 0 THEN {nan} WHEN :x = 0 THEN {least} ELSE {name}(:x) END", x=value)


VALUES = (cast, division, whole_division, arithmetic, average, concat, like, float_functions)
