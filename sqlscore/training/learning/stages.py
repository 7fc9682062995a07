"""What happens to a model between its first weights and the last: search, calibration, figures, the newest part."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from sqlscore.arrays import Floats, Ints
from sqlscore.events.mapping import US_PER_SECOND
from sqlscore.training.data.encoding import Encoded, ordered_batches
from sqlscore.training.data.targets import cut
from sqlscore.training.data.windows import Windows
from sqlscore.training.learning.calibration import calibrate_actions
from sqlscore.training.learning.churn_head import finish_churn, refit_churn
from sqlscore.training.learning.counting import count_beside, count_into
from sqlscore.training.learning.following import NOTHING
from sqlscore.training.learning.held_out import validated
from sqlscore.training.learning.horizons import fit_horizons
from sqlscore.training.learning.loop import optimise
from sqlscore.training.learning.mixture import SURE, better, choose_counting, drifts, users_at
from sqlscore.training.learning.objective import class_weights, is_plain
from sqlscore.training.learning.passes import outputs_over
from sqlscore.training.learning.refit import train_on
from sqlscore.training.learning.scaling import connect, fit_scales
from sqlscore.training.learning.time_calibration import calibrate_times, newest
from sqlscore.training.learning.training import Learned, Training, best_of, validating, with_recency

RECENCY = 8.0
"""How often weights halve from the newest target to the oldest, if the log drifts and validation prefers it."""


def count(training: Training) -> Learned:
    """Fill the tables of a model that counts; it needs no calibration."""
    model, data, parts = training.model, training.data, training.parts
    count_into(model, data, parts.train)
    loss = _counted_loss(model, data, parts.validation)
    if training.options.refit:
        count_into(model, data, parts.both)
    decision = class_weights(data, parts.both if training.options.refit else parts.train, training.options)
    return Learned(_until(training), validation_loss=loss, decision=decision)


def learn(training: Training) -> Learned:
    """Take a model that learns through all STAGES, on the device of the options; at the end it is on the CPU."""
    parts = training.parts
    others = None if parts.held_out is None else _learnable(training.data, parts.train, parts.held_out)
    validation = _learnable(training.data, parts.train, parts.validation)
    training = replace(training, parts=replace(parts, validation=validation, held_out=others))
    learned = Learned(_until(training))
    for stage in STAGES:
        learned = stage(training, learned)
    training.model.cpu().eval()
    return learned


def start(training: Training, learned: Learned) -> Learned:
    """Scale the inputs, set the first weights of the heads, and move the model to its device."""
    model, data, train = training.model, training.data, training.parts.train
    fit_scales(model, data, train, training.options.seed)
    start_unlearned_at_their_names(model, data, train)
    model.to(torch.device(training.options.device))
    return learned


def search_weights(training: Training, learned: Learned) -> Learned:
    """Optimise all heads together; validation chooses the epoch, and how much newer events count if nobody did."""
    options, model = training.options, training.model
    if options.recency is not None:
        return replace(learned, history=optimise(training), recency=options.recency)
    begun = copy.deepcopy(model.state_dict())
    plain = optimise(with_recency(training, 0.0))
    if not is_plain(options) or not drifts(training.data, training.parts.train, validating(training)):
        return replace(learned, history=plain, recency=0.0)
    kept, (users, weights, losses) = copy.deepcopy(model.state_dict()), _mixed_losses(training)
    model.load_state_dict(begun)
    recent = optimise(with_recency(training, RECENCY), "search with recency")
    if better(losses - _mixed_losses(training)[2], users, SURE, weights):
        return replace(learned, history=recent, recency=RECENCY)
    model.load_state_dict(kept)
    return replace(learned, history=plain, recency=0.0)


def _mixed_losses(training: Training) -> tuple[Ints, Floats, Floats]:
    """(P,) users, weights and log-losses of what validates by the network with its counts. The temperature stays 1."""
    model, data, parts = training.model, training.data, training.parts
    judged = calibrate_actions(model, data, validating(training), training.options.seed)
    model.heads.temperature.fill_(1.0)
    return users_at(data, judged.at), judged.weights, choose_counting(data, parts.train, judged)[1]


def fit_churn(training: Training, learned: Learned) -> Learned:
    """Fit and calibrate the churn head on the states of the weights that were chosen."""
    parts = training.parts.churn
    if parts is None:
        return learned
    losses = finish_churn(training.model, training.data, parts.train, parts.validation, training.options.seed)
    return replace(learned, churn=losses)


def calibrate(training: Training, learned: Learned) -> Learned:
    """Fit the temperature, the shift of times, and what is counted beside the network, on validation."""
    model, data, seed = training.model, training.data, training.options.seed
    train, validation = training.parts.train, training.parts.validation
    judged = calibrate_actions(model, data, validating(training), seed)
    calibrate_times(model, data, validation, seed)
    if is_plain(training.options):
        counting, _ = choose_counting(data, train, judged)
    else:  # counts would take back what was asked for
        later = judged.network[: judged.later]
        counting = replace(NOTHING, log_loss=float(-np.log(np.maximum(later, 1e-12)).mean()))
    count_beside(model, data, train, counting)
    decision = class_weights(data, train, training.options)
    return replace(learned, counting=counting, validation_loss=counting.log_loss, decision=decision)


def judge(training: Training, learned: Learned) -> Learned:
    """Note how good the model is on the validation part, while it has not learned from it."""
    model, data, parts = training.model, training.data, training.parts
    return replace(learned, validation=validated(model, data, parts, training.options.seed, learned.decision))


def fit_shorter_horizons(training: Training, learned: Learned) -> Learned:
    """Fit the churn head's shorter horizons on the validation examples, which it has not learned yet."""
    parts, periods, shorter = training.parts.churn, training.periods.churn, training.options.horizons
    if parts is None or periods is None or not shorter or parts.validation.churn is None:
        return learned
    model, data, part, examples = training.model, training.data, parts.validation, parts.validation.churn
    risk = np.full(len(examples), 0.5)
    for outputs, targets in outputs_over(model, data, part, ordered_batches(part.lengths, 8_192)):
        z = outputs.z * model.heads.platt[0] + model.heads.platt[1]
        risk[targets.example] = z.double().sigmoid().cpu().numpy()
    return replace(learned, horizons=fit_horizons(data, examples, risk, periods.horizon / US_PER_SECOND, shorter))


def learn_the_newest(training: Training, learned: Learned) -> Learned:
    """Train on, with the validation part too, if the options ask for that."""
    if not training.options.refit:
        return learned
    both = training.parts.both
    epochs = _learn_all_of(training, both, learned, best_of(learned.history), "refit")
    return replace(learned, refit_epochs=epochs, decision=class_weights(training.data, both, training.options))


def learn_through_now(training: Training, learned: Learned) -> Learned:
    """Train on, with all events, after the model was judged; at the end it is on the CPU.

    Args:
        training: The training with all events as `parts.both`, and the judged model or a wider one with its weights.
        learned: What the training yielded so far.
    """
    model, data, both = training.model, training.data, training.parts.both
    learned = replace(learned, until=int(data.times.max()), decision=class_weights(data, both, training.options))
    if training.counts_only:
        count_into(model, data, both)
        return learned
    connect(model, data, both)
    model.to(torch.device(training.options.device))
    _learn_all_of(training, both, learned, best_of(learned.history), "now")
    model.cpu().eval()
    return learned


def _learn_all_of(training: Training, part: Windows, learned: Learned, epochs: int, stage: str) -> int:
    model, data, seed = training.model, training.data, training.options.seed
    epochs = train_on(with_recency(training, learned.recency), part, epochs, stage, seed + 1)
    count_beside(model, data, part, learned.counting)
    calibrate_times(model, data, newest(data, part), seed)
    if training.parts.churn is not None:
        refit_churn(model, data, training.parts.churn.both, seed, learned.churn)
    return epochs


STAGES: tuple[Callable[[Training, Learned], Learned], ...] = (
    start,
    search_weights,
    fit_churn,
    calibrate,
    judge,
    fit_shorter_horizons,
    learn_the_newest,
)
"""What happens to a model that learns, in order. Each stage adds to what was learned."""


def _until(training: Training) -> int:
    return training.periods.t2 if training.options.refit else training.periods.t1


def _counted_loss(model: Any, data: Encoded, validation: Windows) -> float | None:
    losses = [torch.zeros(0)]
    for chosen in ordered_batches(validation.lengths, 8_192):
        batch, targets = cut(data, validation, chosen)
        known = targets.action < data.known
        with torch.inference_mode():
            states, _ = model.encode_each(batch, None, None)
            logits = model.next_logits(states[targets.position[known]])
            losses.append(functional.cross_entropy(logits, targets.action[known], reduction="none"))
    every = torch.cat(losses)
    return float(every.mean()) if len(every) else None


def start_unlearned_at_their_names(model: Any, data: Encoded, train: Windows) -> None:
    """Let known actions that the training part lacks start as unknown ones do: from their n-grams alone."""
    met = np.zeros(data.known + 1, np.bool_)
    for start, end in zip(train.starts, train.ends, strict=True):
        codes = data.categories[start:end, 0]
        met[codes[codes <= data.known]] = True
    met[0] = True
    with torch.no_grad():
        model.embedding.action.weight[torch.from_numpy(~met)] = 0.0


def _learnable(data: Encoded, train: Windows, part: Windows) -> Windows:
    """A part that validates, without targets that the training part lacks: their losses would drown all others."""
    learned = np.zeros(data.known + 1, np.bool_)
    targets = data.target[train.wanted]
    learned[targets[targets <= data.known]] = True
    known = data.target <= data.known
    kept = part.wanted & known
    kept[kept] = learned[data.target[kept]]
    return replace(part, wanted=kept | (part.wanted & ~known))
