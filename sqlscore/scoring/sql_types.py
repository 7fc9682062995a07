"""SQL and Arrow types of what the internal functions return; imported at `connect`, so no torch here."""

import pyarrow as pa

STATE_SQL = (
    "STRUCT(hidden FLOAT[], first_time TIMESTAMP, last_time TIMESTAMP, "
    "n_events BIGINT, n_unknown BIGINT, model VARCHAR)"
)
STATE_ARROW = pa.struct(
    [
        ("hidden", pa.list_(pa.float32())),
        ("first_time", pa.timestamp("us")),
        ("last_time", pa.timestamp("us")),
        ("n_events", pa.int64()),
        ("n_unknown", pa.int64()),
        ("model", pa.string()),
    ]
)

GROUPED_STATE_SQL = STATE_SQL.removesuffix(")") + ", high_water TIMESTAMP)"
GROUPED_STATE_ARROW = pa.struct([*STATE_ARROW, ("high_water", pa.timestamp("us"))])
"""A state, and the newest event of its user's groups: the default as_of, where events have groups."""

ACTIONS_SQL = "STRUCT(action VARCHAR, probability FLOAT)[]"
ACTIONS_ARROW = pa.list_(pa.struct([("action", pa.string()), ("probability", pa.float32())]))

WEIGHTS_SQL = "STRUCT(event_time TIMESTAMP, action VARCHAR, weight FLOAT)[]"
WEIGHTS_ARROW = pa.list_(
    pa.struct([("event_time", pa.timestamp("us")), ("action", pa.string()), ("weight", pa.float32())])
)

CANDIDATES_SQL = "STRUCT(action VARCHAR, predicted FLOAT, difference FLOAT)[]"
CANDIDATES_ARROW = pa.list_(
    pa.struct([("action", pa.string()), ("predicted", pa.float32()), ("difference", pa.float32())])
)

VISIT_SQL = "STRUCT(same_visit FLOAT, seconds_if_same DOUBLE, seconds_if_later DOUBLE)"
VISIT_ARROW = pa.struct(
    [("same_visit", pa.float32()), ("seconds_if_same", pa.float64()), ("seconds_if_later", pa.float64())]
)

SCORE_SQL = (
    "STRUCT(model VARCHAR, as_of TIMESTAMP, n_events BIGINT, unknown_action_rate FLOAT, last_event_time TIMESTAMP, "
    f"next_action VARCHAR, next_action_probability FLOAT, next_actions {ACTIONS_SQL}, "
    "seconds_to_next_action DOUBLE, churn_risk FLOAT)"
)
SCORE_ARROW = pa.struct(
    [
        ("model", pa.string()),
        ("as_of", pa.timestamp("us")),
        ("n_events", pa.int64()),
        ("unknown_action_rate", pa.float32()),
        ("last_event_time", pa.timestamp("us")),
        ("next_action", pa.string()),
        ("next_action_probability", pa.float32()),
        ("next_actions", ACTIONS_ARROW),
        ("seconds_to_next_action", pa.float64()),
        ("churn_risk", pa.float32()),
    ]
)
