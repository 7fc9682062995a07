"""The model whose states a head reads at a moment of the past: as it was, or trained again on what came before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import duckdb

from sqlscore.database.events_query import events_until
from sqlscore.errors import ModelError
from sqlscore.events.mapping import Mapping
from sqlscore.experiments.label_moments import Cut
from sqlscore.experiments.walk import model_of_past
from sqlscore.finetuning.examples import Examples, examples_of
from sqlscore.finetuning.labels import Labels
from sqlscore.scoring.catalog import UNTRAINED
from sqlscore.scoring.notes import TrainingNotes, seen_until
from sqlscore.times import iso
from sqlscore.training.options import TrainingOptions

if TYPE_CHECKING:
    from sqlscore.progress import Progress
    from sqlscore.scoring.artifact import Artifact


@dataclass(frozen=True)
class Retraining:
    """How a base is trained again at each moment.

    Args:
        architecture: None: that of the base, with its options.
        options: Fields of TrainingOptions that differ from these.
        progress: Receives the stages.
    """

    architecture: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    progress: Progress | None = None


def unseen(base: Artifact, cuts: list[Cut], is_given: bool, include_seen: bool) -> tuple[list[Cut], list[str]]:
    """The moments of whose future the base has learned nothing, and warnings.

    Args:
        base: The model whose states are read.
        cuts: Moments in order of time.
        is_given: Whether the first one was asked for.
        include_seen: Whether to keep those that it has learned of.

    Raises ModelError if some of these are asked for, or if there are no others.
    """
    until = seen_until(base.manifest)
    seen = [cut for cut in cuts if cut.at < until]
    if not seen:
        return cuts, []
    text = f"{base.name}, on which the head stands, has learned events up to {iso(until)}"
    remedies = (
        "train it again at each moment (retrain=True, --retrain), or have such moments marked (include_seen=True, "
        "--include-seen)"
    )
    if include_seen:
        return cuts, [f"{text}: {len(seen)} of {len(cuts)} moments are before that, no forecasts: trained_after"]
    if is_given or len(seen) == len(cuts):
        raise ModelError(
            f"{text}: at {len(seen)} of {len(cuts)} moments, up to {iso(seen[-1].at)}, it would be judged by what it "
            f"has seen: {'start later, ' if is_given else ''}{remedies}"
        )
    return cuts[len(seen) :], [f"{text}: {len(seen)} of {len(cuts)} moments before are left out; {remedies}"]


def read_through(
    con: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    base: Artifact,
    labels: Labels,
    threads: int | None,
    retraining: Retraining | None,
) -> Callable[[Cut], tuple[str, Examples]]:
    """What gives, for a moment, the name of the model that is read and what it says of the labels' users.

    Args:
        con: The connection that has the labels' table.
        mapping: The events.
        base: The model that the head stands on.
        labels: The labels.
        threads: How many threads encode.
        retraining: None reads the base as it is.
    """
    if retraining is None:
        examples = examples_of(con, mapping, [base], labels, threads)
        return lambda _: (base.name, examples)
    known = {each.name for each in fields(TrainingOptions)} - {"architecture", "horizon", "device"}
    noted = TrainingNotes.from_json(base.manifest.notes).options
    options = {
        name: tuple(value) if isinstance(value, list) else value for name, value in noted.items() if name in known
    } | retraining.options
    horizon = noted.get("horizon")
    architecture = retraining.architecture or str(noted.get("architecture", base.manifest.architecture))
    if architecture == UNTRAINED:
        raise ModelError(
            f"{base.name}, on which the head stands, is made of counts and was not trained: name what is to be trained "
            "at each moment (architecture=..., --architecture)"
        )
    name = f"{architecture}, retrained"

    def trained(cut: Cut) -> tuple[str, Examples]:
        past = events_until(con, mapping, cut.at)
        model = model_of_past(con, mapping, past, cut.at, name, horizon, architecture, retraining.progress, options)
        return name, examples_of(con, mapping, [model], labels, threads)

    return trained
