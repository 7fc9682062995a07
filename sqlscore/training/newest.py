"""The last stage of a training: what judged the model is learned too, with values that only it holds."""

from __future__ import annotations

from dataclasses import replace

from sqlscore.events.inputs import Inputs
from sqlscore.models.architectures import ARCHITECTURES
from sqlscore.models.config import ModelConfig
from sqlscore.models.heads import MOST_DIRECT
from sqlscore.models.widening import widen
from sqlscore.training.data.churn_users import Group
from sqlscore.training.data.encoding import encode_log, vocabulary
from sqlscore.training.data.event_log import EventLog
from sqlscore.training.data.windows import Parts, churn_windows, windows
from sqlscore.training.learning.facts import with_facts
from sqlscore.training.learning.stages import learn_through_now
from sqlscore.training.learning.training import Learned, Training


def train_through_now(
    log: EventLog, training: Training, inputs: Inputs, config: ModelConfig, learned: Learned
) -> tuple[Training, Inputs, ModelConfig, Learned]:
    """A model that has learned all events, from one that was judged on the newest; the judged one is left as it is.

    Args:
        log: The events.
        training: The training of the judged model, at its end.
        inputs: What that model reads.
        config: Its sizes.
        learned: What its training yielded.

    Returns the training of the new model, what that reads, its sizes, and what its training yielded.
    """
    options, architecture = training.options, ARCHITECTURES[config.architecture]
    wide = vocabulary(log, training.periods.high_water, options.max_actions, options.max_categories, after=inputs)
    data = training.data if wide == inputs else encode_log(log, wide)
    sizes = replace(
        config,
        counted_actions=min(config.counted_actions, len(inputs.actions)),
        direct=len(inputs.actions) <= MOST_DIRECT if config.direct is None else config.direct,
    )
    model = architecture.build(sizes, wide)
    if not architecture.counted:
        widen(model, training.model)
    if not architecture.counted and data is not training.data:
        data = with_facts(model, data)
    now = replace(training, model=model, data=data, parts=_all_of(log, replace(training, data=data)))
    return now, wide, sizes, learn_through_now(now, learned)


def _all_of(log: EventLog, training: Training) -> Parts:
    """The parts of a training with all events, and all churn examples, as what the last stage learns."""
    parts, churn, longest = training.parts, training.periods.churn, training.options.max_sequence
    both = windows(log, training.data, None, None, None, None, longest)
    if churn is None or parts.churn is None:
        return replace(parts, both=both)
    of_churn = churn_windows(log, training.data, churn, longest, *Group)
    return replace(parts, both=both, churn=replace(parts.churn, both=of_churn))
