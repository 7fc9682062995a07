"""What names of columns tell where neither a mapping nor a type does."""

from __future__ import annotations

import re


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


_USER = _any(
    r"^(user|customer|client|visitor|member|account|person|player|subscriber|buyer|shopper|patient|device|cust|contact)"
    r"(_?(id|key|uuid|no|number|pseudo_id|pk|sk))$",
    r"^(uid|user|customer|visitor|person|subject_id|entity_id)$",
)
_AS_OF = _any(
    r"^as_?of", r"^snapshot", r"^cut_?off",
    r"^(label|anchor|observation|obs|prediction|score|reference|ref|index|decision)"
    r"_(time|date|ts|day|at|moment|timestamp|dt)$", r"^scored?_as_of$", r"^moment$",
)  # fmt: skip
_EVENT_TIME = _any(r"^(event|action|click|occurred|happened|session|visit)_?(time|ts|at|date|timestamp|datetime|day)$",
                   r"^(ts|time|timestamp|datetime|t|dt|when)$")  # fmt: skip
_TIME = _any(r"(^|_)(ts|time|timestamp|at|date|day|week|month|datetime|dt|on)$", r"^(day|date|week|month)")
_AUDIT = _any(
    r"^(_|dbt_|etl_|meta_|fivetran|airbyte)", r"^(loaded|ingested|inserted|synced|extracted|processed|imported|built|"
    r"received|exported|generated|refreshed|computed|materiali[sz]ed|run|updated|modified|last_updated|last_modified)"
    r"_?(at|on|ts|time|date|timestamp)$",
)  # fmt: skip
_VALID_FROM = _any(
    r"^(dbt_)?(row_)?(valid|effective|active|applicable|in_force)_?(from|since|start|begin|date|at)(_?(date|at|ts|time))?$",
    r"^(eff|effective)_(start_)?(date|dt|ts)$", r"^(start|begin|from|since)_?(date|at|ts|time|dt)?$",
    r"^(row|version|record)_(start|begin|from|effective)(_.*)?$", r"^(plan|period|term)_start(_.*)?$",
)  # fmt: skip
_VALID_TO = _any(
    r"^(dbt_)?(row_)?(valid|effective|active|applicable|in_force)_?(to|until|till|end|through|thru)(_?(date|at|ts|time))?$",
    r"^(eff|effective)_end(_(date|dt|ts))?$", r"^(end|to|until|expir\w*|expires)_?(date|at|ts|time|dt)?$",
    r"^(row|version|record)_(end|to|expir\w*)(_.*)?$", r"^(plan|period|term)_end(_.*)?$",
)  # fmt: skip
_LASTING = _any(
    r"sign_?(ed_)?up", r"^regist", r"^created", r"^joined", r"^join_", r"birth", r"gender", r"^sex$", r"^first_",
    r"acqui", r"referr", r"^origin", r"cohort", r"^(full_?|first_?|last_?)?name$", r"^onboard", r"_?uuid$",
    r"^(id|key)$", r"_(id|key)$", r"^initial_", r"^install", r"native", r"^source$", r"^hire", r"^opened",
)  # fmt: skip
_CHANGING = _any(
    r"plan", r"tier", r"segment", r"status", r"level", r"loyal", r"balance", r"value", r"ltv", r"score", r"premium",
    r"total", r"count", r"^n_", r"^num", r"^is_", r"^has_", r"current", r"latest", r"^last_", r"rank", r"active",
    r"price", r"stock", r"rating", r"spend", r"revenue", r"points", r"lifetime", r"days_", r"age", r"risk", r"rate",
    r"churn", r"popular", r"avg", r"mean", r"health", r"cancel", r"subscri", r"discount", r"margin", r"cost",
)  # fmt: skip
_LABEL = _any(
    r"^(is_|has_|did_|will_|was_|y_|gt_|true_|actual_)?(label|target|y|outcome|churn|churned|churner|converted|convert|"
    r"conversion|retained|returned|reactivated|repurchased|bought_again|came_back|comes_back|defaulted|lapsed|cancel|"
    r"cancell?ed|attrited|ground_truth|respond(ed)?|renewed|left|stayed|survived|buys?|purchases?|purchased|"
    r"upsold|upgraded)"
    r"(_?(label|flag|target|again|later|soon|next|y))?(_?(in|within|after|next|by)?_?(the_)?(next_)?\d+_?"
    r"(d|days?|h|hours?|w|weeks?|m|months?|y))?(_later|_after|_flag|_label|_next_\w+)?$",
    r"^(label|target|y|outcome|gt|ground_truth)_\w+$",
    r"^(?!avg|mean|rate|sum|prev|last|lag|past|te_)\w+_(label|target|outcome|y)$",
    r"^will_", r"^(has_)?(left|gone)$",
)  # fmt: skip
_SURE_LABEL = _any(r"^(is_)?(label|target|y|outcome|churn|churned|ground_truth|churn_label)(_\w*\d+\w*)?$",
                   r"^(label|target|y)_", r"_(label|target)$", r"^will_")  # fmt: skip
_LATER = _any(
    r"(^|_)(next|future|following|subsequent|upcoming|later|after|afterwards?|forward|ahead|lead|until|till|to_next|"
    r"to_return|to_churn|to_event|time_to|days_to|seconds_to|hours_to|minutes_to|comeback|return|returns|again|"
    r"remaining|survival|eventually|outcome|realized|actual|exit|is_last|last_in_session|bounce|bounced|censored|"
    r"horizon|label_end|dwell|time_on_page|duration)(_|$)",
)  # fmt: skip
_SCORE = _any(
    r"(^|_)(risk|score|proba|probability|pred|prediction|predicted|p_churn|logit|yhat|y_hat|y_pred|y_score|propensity)(_|$)",
    r"^next_actions?(_probability)?$",
)  # fmt: skip
_SCORES = _any(r"scor", r"predict", r"inference")
_SESSION = _any(r"(^|_)(session|visit|sess)")
_COUNTS_UP = _any(
    r"^(id|seq|sequence|event_id|row_id|offset|position|seq_no|sequence_number|event_seq|n|rn|ordinal|idx)$",
    r"_(seq|sequence|seq_no|offset|index|idx|number|no)$",
)
_ID = _any(r"(^|_)(id|uuid|key|guid|hash|no|number|row|line|pk|sk)$", r"^(event|order|transaction|invoice|row)$")


def _named(pattern: re.Pattern[str], name: str) -> bool:
    return pattern.search(name.casefold()) is not None


def is_user(name: str) -> bool:
    """Whether a column of this name says whose row it is."""
    return _named(_USER, name)


def is_as_of(name: str) -> bool:
    """Whether it says as of which moment a row is."""
    return _named(_AS_OF, name)


def is_event_time(name: str) -> bool:
    """Whether it says when an event was."""
    return _named(_EVENT_TIME, name)


def is_time(name: str) -> bool:
    """Whether it sounds like any moment."""
    return _named(_TIME, name) or is_as_of(name) or is_event_time(name) or is_valid_from(name) or is_valid_to(name)


def is_audit(name: str) -> bool:
    """Whether it says when a row was written, not when something happened."""
    return _named(_AUDIT, name)


def is_valid_from(name: str) -> bool:
    """Whether it says from when a row holds."""
    return _named(_VALID_FROM, name)


def is_valid_to(name: str) -> bool:
    """Whether it says until when a row holds."""
    return _named(_VALID_TO, name)


def is_lasting(name: str) -> bool:
    """Whether the attribute of a user of this name does not change, such as a birthday."""
    return _named(_LASTING, name) and not _named(re.compile(r"^last_(?!name)"), name)


def is_changing(name: str) -> bool:
    """Whether the attribute of a thing of this name changes, such as a price."""
    return _named(_CHANGING, name)


def is_label(name: str) -> bool:
    """Whether a column of this name is what a model should predict."""
    return _named(_LABEL, name)


def is_sure_label(name: str) -> bool:
    """Whether it can hardly be anything else."""
    return _named(_SURE_LABEL, name) and _named(_LABEL, name)


def is_later(name: str) -> bool:
    """Whether the name says that a column is about what comes after the row's moment."""
    return _named(_LATER, name)


def is_score(name: str) -> bool:
    """Whether it is what a model says."""
    return _named(_SCORE, name)


def keeps_scores(table: str) -> bool:
    """Whether a table of this name holds scores."""
    return _named(_SCORES, table)


def is_session(name: str) -> bool:
    """Whether it is about sessions."""
    return _named(_SESSION, name)


def counts_up(name: str) -> bool:
    """Whether a column of this name grows with time."""
    return _named(_COUNTS_UP, name)


def is_id(name: str) -> bool:
    """Whether it tells single things apart."""
    return _named(_ID, name)
