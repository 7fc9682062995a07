"""The public SQL functions as data: their parameters, the internal functions behind them, their comments."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Public:
    """A public function: a macro that calls the internal function `head` with `arguments`.

    An argument is SQL, or a placeholder: {state}, {events}, {mapping} or {high_water}.
    """

    name: str
    parameters: tuple[tuple[str, str | None], ...]  # after the events: name, default (None: required)
    head: str
    arguments: tuple[str, ...]
    comment: str

    @property
    def list_name(self) -> str:
        """The name of the twin that takes a list."""
        return f"list_{self.name}"

    @property
    def needs_times(self) -> bool:
        """Whether a plain list of actions is not enough."""
        return "{high_water}" in self.arguments or self.head in _WHEN


_WHEN = ("seconds_to_next", "seconds_at", "within", "next_visit")
_MODEL = ("model", "NULL")
_AS_OF = ("as_of", "NULL")

PUBLIC: tuple[Public, ...] = (
    Public("predict_next_action", (_MODEL,), "next_action", ("{state}",), "VARCHAR: the most likely next action"),
    Public(
        "predict_next_actions",
        (("k", "3"), _MODEL),
        "next_actions",
        ("{state}", "k"),
        "STRUCT(action, probability)[]: the k most likely next actions, best first",
    ),
    Public(
        "next_action_probability",
        (("action", None), _MODEL),
        "action_probability",
        ("{state}", "action"),
        "FLOAT: the probability that the next action is the named one",
    ),
    Public(
        "seconds_to_next_action",
        (_MODEL,),
        "seconds_to_next",
        ("{state}",),
        "DOUBLE: predicted median of the seconds from the last event to the next, given that there is one",
    ),
    Public(
        "seconds_to_next_actions",
        (("quantiles", "[0.1, 0.5, 0.9]"), _MODEL),
        "seconds_at",
        ("{state}", "quantiles"),
        "DOUBLE[]: predicted quantiles of the seconds from the last event to the next, given that there is one",
    ),
    Public(
        "next_action_within",
        (("seconds", None), _MODEL),
        "within",
        ("{state}", "seconds"),
        "FLOAT in [0, 1]: probability that the next event comes within these seconds of the last, given that there is "
        "one",
    ),
    Public(
        "predict_next_visit",
        (_MODEL,),
        "next_visit",
        ("{state}",),
        "STRUCT(same_visit, seconds_if_same, seconds_if_later): probability that the next event comes within half an "
        "hour of the last, in the same visit; median seconds if so, and if not; given that there is one",
    ),
    Public(
        "predict_path",
        (("n", "3"), _MODEL),
        "path",
        ("{events}", "n", "model", "{mapping}"),
        "VARCHAR[]: the next n actions, each the most likely one after those before it",
    ),
    Public(
        "churn_risk",
        (_AS_OF, _MODEL, ("horizon", "NULL")),
        "churn",
        ("{state}", "as_of", "{high_water}", "{mapping}", "horizon"),
        "FLOAT in [0, 1]: calibrated probability of no event within the model's horizon after as_of "
        "(default: the newest event in the mapped table), or within another one of the horizons that it was trained "
        "for",
    ),
    Public(
        "propensity",
        (("label", None), ("value", "NULL"), _AS_OF),
        "propensity",
        ("{events}", "label", "value", "as_of", "{high_water}", "{mapping}"),
        "FLOAT in [0, 1]: calibrated probability that a label which finetune learned is true after as_of, is more than "
        "0, or is the named value",
    ),
    Public(
        "expected_value",
        (("label", None), _AS_OF),
        "expected_value",
        ("{events}", "label", "as_of", "{high_water}", "{mapping}"),
        "DOUBLE: the mean of a number which finetune learned, after as_of; of a yes/no label its probability",
    ),
    Public(
        "value_quantiles",
        (("label", None), ("quantiles", "[0.1, 0.5, 0.9]"), _AS_OF),
        "value_quantiles",
        ("{events}", "label", "quantiles", "as_of", "{high_water}", "{mapping}"),
        "DOUBLE[]: quantiles of a number which finetune learned, after as_of",
    ),
    Public(
        "uplift",
        (("label", None), _AS_OF),
        "uplift",
        ("{events}", "label", "as_of", "{high_water}", "{mapping}"),
        "FLOAT in [-1, 1]: by how much an intervention at as_of raises the probability to stay, as finetune learned it "
        "from treated and held-out users",
    ),
    Public("embed_events", (_MODEL,), "embedding", ("{state}",), "FLOAT[]: the user's representation"),
    Public(
        "score_events",
        (_AS_OF, _MODEL),
        "score",
        ("{state}", "as_of", "{high_water}", "{mapping}"),
        "STRUCT: model, as_of, n_events, unknown_action_rate, last_event_time, next_action, next_action_probability, "
        "next_actions, seconds_to_next_action, churn_risk in one call",
    ),
    Public(
        "explain_next_action",
        (("k", "5"), _MODEL),
        "explain_next",
        ("{events}", "k", "model", "{mapping}"),
        "STRUCT(event_time, action, weight)[]: the k events (NULL: all) that moved the probability of the predicted "
        "next action the most; all weights sum to that probability minus the action's usual share",
    ),
    Public(
        "explain_churn_risk",
        (("k", "5"), _AS_OF, _MODEL),
        "explain_churn",
        ("{events}", "k", "as_of", "{high_water}", "model", "{mapping}"),
        "STRUCT(event_time, action, weight)[]: the k events (NULL: all) that moved the churn risk the most (up if "
        "weight > 0), with the silence since the last one as (silence); all sum to the risk minus the base rate",
    ),
    Public(
        "explain_label",
        (("label", None), ("value", "NULL"), ("k", "5"), _AS_OF),
        "explain_label",
        ("{events}", "label", "value", "k", "as_of", "{high_water}", "{mapping}"),
        "STRUCT(event_time, action, weight)[]: the k events (NULL: all) that moved what a label which finetune learned "
        "says of the user the most, with the silence since the last one as (silence): a probability (of classes that "
        "of value, or of the most likely), the mean of a number, or an uplift; all sum to it minus the labels' mean",
    ),
    Public(
        "attend_events",
        (_MODEL,),
        "attend",
        ("{events}", "model", "{mapping}"),
        "STRUCT(event_time, action, weight)[] in time order: how much an attention model attends to each event (all "
        "weights sum to 1); attention does not explain a score, explain_churn_risk and explain_next_action do",
    ),
    Public(
        "best_next_action",
        (("candidates", None), ("goal", "NULL"), ("n", "5"), _AS_OF, _MODEL),
        "best_action",
        ("{events}", "candidates", "goal", "n", "as_of", "{high_water}", "model", "{mapping}"),
        "STRUCT(action, predicted, difference)[]: candidate actions by the churn risk (lowest first) that is predicted "
        "if each happened at as_of, or by the probability (highest first) of the action goal among the n next ones; "
        "a prediction from what usually follows, not the effect of causing the action",
    ),
)
