"""An uplift from a trial to an artifact: users that are held back to judge it, and the head of all users."""

from __future__ import annotations

import duckdb
import numpy as np

from sqlscore.events.mapping import Mapping
from sqlscore.finetuning.examples import examples_of
from sqlscore.finetuning.trials import Trial
from sqlscore.finetuning.uplift_judging import judge_uplift, uplift_verdict
from sqlscore.finetuning.uplift_learning import learn_uplift
from sqlscore.scoring.artifact import Artifact
from sqlscore.scoring.label_artifact import Fitted, head_manifest

_JUDGED = 3  # one of so many users


def fit_uplift(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    base: Artifact,
    judged_base: Artifact,
    trial: Trial,
    *,
    seed: int = 0,
    threads: int | None = None,
    allowed: list[dict[str, str]],
) -> Fitted:
    """A head that says the uplift, with its figures on a third of the users.

    Args:
        con: The connection that has the labels' table.
        mapping: The events.
        base: The model whose states are read.
        judged_base: The same before it learned the newest events: what is judged reads its states.
        trial: Users who were treated or held out.
        seed: Of the parts and folds.
        threads: How many threads encode.
        allowed: Leaks that were let pass, for the notes.
    """
    twice = judged_base.sha256 != base.sha256
    examples = examples_of(con, mapping, [base, judged_base] if twice else [base], trial.labels, threads)
    held_back = np.random.default_rng([seed, 7]).permutation(len(trial)) % _JUDGED == 0
    learned_rows, judged_rows = np.flatnonzero(~held_back), np.flatnonzero(held_back)
    features = examples.features[-1]
    learned = learn_uplift(features, trial, learned_rows, seed)
    everybody = float(learned.head.uplift(features[learned_rows]).mean())
    figures = judge_uplift(
        learned.head.uplift(features[judged_rows]), learned.arms.signals(features, trial, judged_rows), everybody
    )
    final = learn_uplift(examples.features[0], trial, np.arange(len(trial)), seed, learned)
    labels = trial.labels
    return Fitted(
        final.head,
        head_manifest(
            base,
            final.head,
            {"which": trial.which, "horizon_seconds": trial.horizon_seconds, "penalty": final.penalty, "seed": seed},
            trained=(
                int(labels.as_of.min()),
                int((labels.as_of if labels.known_at is None else labels.known_at).max()),
            ),
            notes={
                "intervention": trial.which,
                "n_users": len(trial),
                "n_treated": int(trial.treated.sum()),
                "n_held_out": int((~trial.treated).sum()),
                "n_not_randomised": trial.n_not_randomised,
                "n_strangers": trial.n_strangers,
                "n_learned_to_be_judged": len(learned_rows),
                "moments": len(np.unique(labels.as_of)),
                **({"allowed_leaks": allowed} if allowed else {}),
            },
            metrics={"uplift": figures, "verdict": uplift_verdict(figures)},
        ),
    )
