"""What one request may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of requests and of what waits.

    Attributes:
        body_bytes: of one request.
        sequences: of one request.
        events: of one request, over all of its sequences.
        waiting: requests that wait for their turn; one more is refused.
        waiting_events: of all requests that wait; one more request is refused, since they are held in memory.
        seconds: from the first byte of a request to its scores.
        batch_sequences: of requests that are scored together; a single request may have more.
        batch_events: likewise.
    """

    body_bytes: int = 8 * 2**20
    sequences: int = 1_000
    events: int = 100_000
    waiting: int = 1_024
    waiting_events: int = 500_000
    seconds: float = 10.0
    batch_sequences: int = 1_024
    batch_events: int = 200_000
