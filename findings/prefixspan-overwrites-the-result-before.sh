#!/usr/bin/env bash
# Library: prefixspan 0.5.2
# Guess: a list of frequent sequences is the caller's: another question to the same object leaves it as it is.
# What happens: each object has one list, which every call of frequent() empties, fills and returns. What was found is
#   replaced by what is asked later: the list of support 2 loses all that does not have support 3, and two lists that
#   are compared with one another are always equal. topk() gives a list of its own.
# Source: observed; the package's page shows one call after another, each printed at once.
# In sqlscore: sequences are counted in SQL.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq prefixspan==0.5.2
cd "$work"
"$work/venv/bin/python" - <<'PY'
import sys
from importlib.metadata import version
from itertools import combinations

from prefixspan import PrefixSpan


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("prefixspan", version("prefixspan"))
visits = [["home", "cart", "home", "cart"], ["home", "pay"], ["cart", "home", "cart"]]


def by_hand(least):
    """Each subsequence and how many visits have it."""
    of_visit = [{c for n in range(1, len(v) + 1) for c in combinations(v, n)} for v in visits]
    return {p: n for p in set().union(*of_visit) if (n := sum(p in one for one in of_visit)) >= least}


def as_counts(found):
    return {tuple(pattern): count for count, pattern in found}


for least in (1, 2, 3):
    alone = as_counts(PrefixSpan(visits).frequent(least))
    expect(f"support {least}, an object each, as by hand", alone == by_hand(least), True)
spans = PrefixSpan(visits)
often, always = spans.frequent(2), spans.frequent(3)
expect("sequences of support 2 by hand", len(by_hand(2)), 6)
expect("of support 2 from the object that was asked for 3 later", as_counts(often), {("home",): 3})
expect("of support 3", as_counts(always), {("home",): 3})
expect("sequences that are in one list and not in the other", [one for one in often if one not in always], [])
PY
