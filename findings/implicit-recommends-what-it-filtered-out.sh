#!/usr/bin/env bash
# Library: implicit 0.7.3, scipy 1.17.1, numpy 2.4.6
# Guess: recommend(..., filter_already_liked_items=True) leaves out what the user has; where less than N items are left,
#   the answer is shorter.
# What happens: it is filled up to N with what was filtered out: the items that the user has, with a score of -3.4e38
#   (matrix factorisation) or 0.0 (neighbours). Whoever reads the ids alone recommends them, to those who bought most. If
#   there are fewer items than N, factorisation adds item 0 again and again, with the score 0.0, which is above that of
#   many real ones; similar_items() too. filter_items is filled up by factorisation, and not by neighbours.
# Source: observed; the documentation says "don't return items present in the training set that were rated by the
#   specified user", and of filter_items "extra item ids to filter out from the output".
# In sqlscore: next actions are a distribution over all known ones; advice chooses among actions that are allowed, or none.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq implicit==0.7.3 scipy==1.17.1 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import sys
from importlib.metadata import version

import numpy as np
import scipy
import scipy.sparse as sp
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import CosineRecommender


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


print("implicit", version("implicit"), "scipy", scipy.__version__, "numpy", np.__version__)
owned = np.random.default_rng(0).random((50, 8)) < 0.5
owned[0] = [True] * 6 + [False] * 2
users = sp.csr_matrix(owned.astype(np.float32))
least = float(np.finfo(np.float32).min)
factors, neighbours = AlternatingLeastSquares(factors=4, random_state=0, num_threads=1), CosineRecommender(K=5)
for model, filler, again in ((factors, least, [6, 7]), (neighbours, 0.0, [])):
    name = type(model).__name__
    model.fit(users, show_progress=False)
    items, scores = model.recommend(0, users[0], N=5, filter_already_liked_items=True)
    expect(f"{name}, what the user lacks", sorted(items[:2].tolist()), [6, 7])
    expect(f"{name}, items of the five that the user has", int(owned[0][items].sum()), 3)
    expect(f"{name}, their scores", scores[2:].tolist(), [filler] * 3)
    items, _ = model.recommend(0, users[0], N=8, filter_already_liked_items=False, filter_items=[6, 7])
    expect(f"{name}, 6 and 7 of filter_items in the answer", sorted({6, 7} & set(items.tolist())), again)
    items, _ = model.recommend(0, users[0], N=20, filter_already_liked_items=False)
    expect(f"{name}, how often item 0 is among 20 of 8 items", items.tolist().count(0), 13 if model is factors else 1)
items, _ = factors.similar_items(3, N=20)
expect("how often item 0 is among the 20 most similar to item 3", items.tolist().count(0), 13)
PY
