#!/usr/bin/env bash
# Library: gensim 4.4.0, numpy 2.4.6
# Guess: Word2Vec over users' actions, one list for each user, learns from all actions of the list; what is too long
#   raises, or is cut into pieces.
# What happens: of each list only the first 10,000 are trained on, and the rest is dropped without a word. They are
#   counted in the vocabulary, so that an action of later years has a count and a vector, which stays as random as it was
#   drawn: its "most similar" actions are noise. Long histories, of devices, shops or bots, are where it happens, and what
#   is lost is the newest. The return value of train() alone tells: 10,000 of 20,000.
# Source: the documentation says so in brackets, under batch_words ("the standard cython code truncates to that
#   maximum"); that counts and vectors are made all the same is observed.
# In sqlscore: where a training reads only a part of a long history, it is the newest (training/data/windows.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq gensim==4.4.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import sys

import gensim
import numpy as np
from gensim.models import Word2Vec


def expect(what, seen, recorded):
    print(f"{what}: {seen}")
    if seen != recorded:
        sys.exit(f"{what}: {recorded} was recorded, {seen} is seen now")


def moved(history):
    """Counts of the vocabulary, what train() says, and the actions whose vectors training has changed."""
    model = Word2Vec(vector_size=8, min_count=1, sample=0, window=5, seed=1, workers=1)
    model.build_vocab([history])
    before = {action: model.wv[action].copy() for action in set(history)}
    said = model.train([history], total_examples=1, epochs=5)
    counts = {action: model.wv.get_vecattr(action, "count") for action in sorted(before)}
    return counts, said, sorted(a for a, vector in before.items() if not np.array_equal(vector, model.wv[a]))


print("gensim", gensim.__version__, "numpy", np.__version__)
history = ["home", "search"] * 5000 + ["cart", "pay"] * 5000
counts, said, changed = moved(history)
expect("counts", counts, {"cart": 5000, "home": 5000, "pay": 5000, "search": 5000})
expect("events trained on, of five passes over 20,000", said, (50_000, 100_000))
expect("actions that were learned", changed, ["home", "search"])
counts, said, changed = moved(history[5000:15_000])
expect("a history of 10,000: actions that were learned", changed, ["cart", "home", "pay", "search"])
PY
