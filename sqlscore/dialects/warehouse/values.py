"""Rules for numbers and text."""

from __future__ import annotations

import re

from sqlglot import exp

from sqlscore.dialects.kinds import REAL, WHOLE, exact_digits, is_decimal, is_not_zero
from sqlscore.dialects.refusal import Refused
from sqlscore.dialects.resolution import type_of
from sqlscore.dialects.warehouse.words import Words

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d(\.\d{1,6})?)?")
_SPECIAL = re.compile(r"(?i)([+-]?)inf(inity)?|nan")
_MOST_DIGITS = 38


def cast(words: Words, node: exp.Expr) -> exp.Expr | None:
    """A cast: DuckDB rounds floats to whole numbers half to even, decimals half away from 0."""
    if not isinstance(node, exp.Cast) or type_of(node) == "INTERVAL":
        return None  # a span of time has a rule of its own
    if isinstance(node, exp.TryCast):
        raise Refused("cast", f"TRY_CAST accepts other texts in {words.engine}: clean the text first")
    value = node.this
    to, of = type_of(node), '"NULL"' if isinstance(value, exp.Null) else type_of(value)
    if to is None or of is None:
        raise Refused("cast", "the type of what is cast is not known: cast it where it is selected from its table")
    name = words.type_name(to)
    written = value.name if isinstance(value, exp.Literal) and value.is_string else None
    if to in REAL and written is not None and _SPECIAL.fullmatch(written):
        return _special(words, written, name)
    if to == "VARCHAR" and of == "DATE":
        return words.said("date_text", "cast", value=value)
    if of == "BOOLEAN" and to in WHOLE | REAL:
        return words.write(f"CAST(CASE WHEN :value THEN 1 WHEN NOT :value THEN 0 END AS {name})", value=value)
    if to in WHOLE and of in REAL:
        return words.write(words.templates["rounded"].replace("{kind}", name), value=value)
    if to != of and of != '"NULL"' and not _is_carried(of, to, written):
        raise Refused("cast", f"a cast of {of} to {to} may give other values in {words.engine}: cast it before")
    return words.write(f"CAST(:value AS {name})", value=value)


def _special(words: Words, text: str, name: str) -> exp.Expr:
    sign = "-" if text.startswith("-") else ""
    spelled = words.write(f"CAST({words.templates['nan' if 'nan' in text.casefold() else 'infinity']} AS {name})")
    return words.write("-(:value)", value=spelled) if sign else spelled


def _is_carried(of: str, to: str, written: str | None) -> bool:
    """Whether a cast has the same result in both; texts are read alike only if they are written out in the query."""
    number = of in WHOLE | REAL or is_decimal(of)
    if to in WHOLE | REAL:
        return number
    if to == "VARCHAR":
        return of in WHOLE
    if to == "DATE":
        return of == "TIMESTAMP" or (written is not None and len(written) == 10 and bool(_MOMENT.fullmatch(written)))
    return to == "TIMESTAMP" and (of == "DATE" or (written is not None and bool(_MOMENT.fullmatch(written))))


def literal(words: Words, node: exp.Expr) -> exp.Expr | None:
    """A number: `1e6` is a DOUBLE in DuckDB, `0.5` a DECIMAL."""
    if not isinstance(node, exp.Literal) or node.is_string or node.is_int:
        return None
    if "e" in node.name.casefold():
        return words.write(f"CAST(:number AS {words.type_name('DOUBLE')})", number=_number(node))
    if len(node.name.partition(".")[2]) > words.most_after_the_point:
        raise Refused("decimal", f"{words.engine} keeps fewer digits after the point: write it as a DOUBLE, with e0")
    return words.said("decimal", "literal", text=node.name, number=_number(node))


def _number(node: exp.Literal) -> exp.Expr:
    literal_ = exp.Literal.number(node.name)
    literal_.meta["sqlscore_made"] = True
    return literal_


def text(words: Words, node: exp.Expr) -> exp.Expr | None:
    """A text without a backslash, which some engines read as an escape."""
    if isinstance(node, exp.Literal) and node.is_string and "\\" in node.name and words.name != "postgres":
        raise Refused("text", f"a backslash is an escape in {words.engine}: compare with a column that has it")
    return None


def division(words: Words, node: exp.Expr) -> exp.Expr | None:
    """DuckDB divides as floats, and gives inf or NaN by 0."""
    if not isinstance(node, exp.Div):
        return None
    kind = type_of(node)
    if kind not in REAL:
        raise Refused("division", "the type of this division is not known: cast a side to DOUBLE")
    name = words.type_name(kind)
    a, b = node.this, node.expression
    if not words.raises_at_zero:
        return words.said("division", "division", a=a, b=b)
    if is_not_zero(b):
        return words.write(f"CAST(:a AS {name}) / CAST(:b AS {name})", a=a, b=b)
    above, below = f"CAST(:a AS {name})", f"CAST(:b AS {name})"
    nan, infinite = (f"CAST({words.templates[one]} AS {name})" for one in ("nan", "infinity"))
    return words.write(
        f"""CASE WHEN {below} = 0 THEN CASE WHEN {above} = 0 THEN {nan} ELSE {above} * {infinite} END
            ELSE {above} / NULLIF({below}, 0) END""",
        a=a,
        b=b,
    )


def whole_division(words: Words, node: exp.Expr) -> exp.Expr | None:
    """`//` and `%` of whole numbers cut off towards 0."""
    if not isinstance(node, (exp.IntDiv, exp.Mod)):
        return None
    if not {type_of(node.this), type_of(node.expression)} <= WHOLE:
        raise Refused("division", "// and % are carried over for whole numbers: write FLOOR(a / b)")
    return words.said("div" if isinstance(node, exp.IntDiv) else "mod", "division", a=node.this, b=node.expression)


def arithmetic(words: Words, node: exp.Expr) -> exp.Expr | None:
    """Sums, differences and products: of whole numbers and floats as they are, of decimals while they are exact."""
    if not isinstance(node, (exp.Add, exp.Sub, exp.Mul, exp.Neg)):
        return None
    sides = [side for side in (node.this, node.args.get("expression")) if isinstance(side, exp.Expr)]
    kinds = {type_of(side) for side in sides}
    if any(not (kind in WHOLE | REAL or is_decimal(kind)) for kind in kinds):
        raise Refused("arithmetic", "numbers are carried over, and a TIMESTAMP with an INTERVAL that is written out")
    if type_of(node) == "FLOAT" and not isinstance(node, exp.Neg):
        sign = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}[type(node)]
        name = words.type_name("FLOAT")
        return words.write(f"(CAST(:a AS {name}) {sign} CAST(:b AS {name}))", a=node.this, b=node.expression)
    if isinstance(node, exp.Neg) or kinds & REAL or not any(is_decimal(kind) for kind in kinds):
        return node
    found = exact_digits(node)
    if found is None or found[0] > _MOST_DIGITS or found[1] > words.most_after_the_point:
        raise Refused("decimal", f"arithmetic of DECIMAL has another scale in {words.engine}: cast to DOUBLE")
    return node


def sums(words: Words, node: exp.Expr) -> exp.Expr | None:
    """AVG is a DOUBLE, and SUM of FLOAT as well."""
    if not isinstance(node, (exp.Avg, exp.Sum)):
        return None
    kind = type_of(node.this)
    if not (kind in WHOLE | REAL or is_decimal(kind)):
        raise Refused(
            "average", f"{node.sql_name()} of {kind or 'an unknown type'} is not known to be the same: cast it"
        )
    if isinstance(node, exp.Avg) or kind == "FLOAT":
        return words.write(f"{node.sql_name()}(CAST(:value AS {words.type_name('DOUBLE')}))", value=node.this)
    return node


def concat(words: Words, node: exp.Expr) -> exp.Expr | None:
    """CONCAT leaves NULLs out; `||` is NULL with one."""
    if not isinstance(node, (exp.Concat, exp.DPipe)):
        return None
    values = node.expressions if isinstance(node, exp.Concat) else [node.this, node.expression]
    parts = {f"p{i}": part for i, part in enumerate(values)}
    for part in parts.values():
        if type_of(part) not in WHOLE | {"VARCHAR"} and not isinstance(part, exp.Null):
            raise Refused("concat", "only text and whole numbers have the same text: cast and round first")
    texts = [f"CAST(:{name} AS {words.type_name('VARCHAR')})" for name in parts]
    if isinstance(node, exp.DPipe):
        return words.write(" || ".join(texts), **parts)
    filled = ", ".join(f"COALESCE({one}, '')" for one in texts)
    return words.write(f"CONCAT({filled})", **parts)


def like(words: Words, node: exp.Expr) -> exp.Expr | None:
    """LIKE without a backslash, which escapes elsewhere; what folds letters depends on the engine."""
    if isinstance(node, (exp.ILike, exp.Upper, exp.Lower)):
        raise Refused("case", f"{words.engine} folds other letters than DuckDB: store the folded text in a column")
    if not isinstance(node, exp.Like):
        return None
    if isinstance(node.expression, exp.Literal) and "\\" not in node.expression.name:
        return node
    raise Refused("like", "the pattern must be a text without a backslash, which is an escape")


def float_functions(words: Words, node: exp.Expr) -> exp.Expr | None:
    """Functions that raise elsewhere, or have another type, where DuckDB has an infinite value, NaN or 0."""
    if isinstance(node, (exp.Ln, exp.Log)):
        return _logarithm(words, node)
    if isinstance(node, (exp.Floor, exp.Ceil)):
        return _rounded(words, node)
    if isinstance(node, exp.Sqrt):
        return words.write(f"SQRT(CAST(:x AS {words.type_name('DOUBLE')}))", x=node.this)
    if isinstance(node, exp.Exp):
        return words.said("exp", "power", x=node.this)
    if isinstance(node, exp.Pow):
        return words.said("power", "power", x=node.this, y=node.expression)
    if isinstance(node, exp.Anonymous) and node.name.casefold() == "error":
        return words.said("error", "error", message=node.expressions[0])
    return None


def _logarithm(words: Words, node: exp.Expr) -> exp.Expr:
    """-inf at 0 and NaN below."""
    base: exp.Expr = exp.Literal.string("e")
    value = node.this
    if isinstance(node, exp.Log):
        base, value = node.this, node.args.get("expression")
        if value is None:
            base, value = exp.Literal.number(10), base
    if not isinstance(base, exp.Literal) or base.name not in ("e", "2", "10"):
        raise Refused("logarithm", "write LN(x), LOG2(x) or LOG10(x)")
    return words.said({"e": "ln", "2": "log2", "10": "log10"}[base.name], "logarithm", x=value)


def _rounded(words: Words, node: exp.Expr) -> exp.Expr:
    if node.args.get("decimals") is not None:
        raise Refused("floor", "digits are not carried over")
    value: exp.Expr = node.this
    kind = type_of(value)
    if kind in WHOLE:
        return value
    if kind not in REAL:
        raise Refused("floor", "FLOOR and CEIL are carried over for DOUBLE: cast to it")
    if (isinstance(value, exp.Log) and value.args.get("expression") is None) or not isinstance(value, exp.Log):
        return node
    if not isinstance(node, exp.Floor) or value.this.name != "2" or type_of(value.expression) not in WHOLE:
        raise Refused(
            "logarithm", "rounded logarithms depend on the last digit: FLOOR(LOG2(n)) of whole n is carried over"
        )
    return words.said("bits", "logarithm", x=value.expression)


VALUES = (cast, literal, text, division, whole_division, arithmetic, sums, concat, like, float_functions)
