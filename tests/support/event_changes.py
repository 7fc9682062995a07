"""Changes of the events of `open_shop` that tests draw, each a statement with a user and a number of minutes."""

from __future__ import annotations

from hypothesis import strategies as st

users = st.integers(0, 7)
minutes = st.integers(0, 2_000)
INSERTS_AND_DELETES = (
    st.tuples(st.just("INSERT INTO e VALUES (?, TIMESTAMP '2024-01-03' + to_minutes(?), 'buy', 1)"), users, minutes),
    st.tuples(st.just("INSERT INTO e VALUES (?, TIMESTAMP '2023-12-31' + to_minutes(?), 'view', 2)"), users, minutes),
    st.tuples(st.just("DELETE FROM e WHERE user_id = ? AND epoch(event_time) % 7 = ? % 7"), users, minutes),
)
"""New events, late events, and events that go."""
