"""All readers that are fuzzed."""

from __future__ import annotations

from collections.abc import Callable

import fuzz_events
import fuzz_models
import fuzz_texts
from fuzz_target import Target

TARGETS: dict[str, tuple[Callable[[], Target], int]] = {
    "packed": (fuzz_events.packed, 20),
    "lists": (fuzz_events.lists, 8),
    "mapping": (fuzz_texts.mapping, 40),
    "manifest": (fuzz_models.manifest, 20),
    "artifact": (fuzz_models.artifact, 2),
    "weights": (fuzz_models.weights, 20),
    "model_file": (fuzz_models.model_file, 20),
    "head": (fuzz_models.head, 10),
    "states": (fuzz_events.states, 4),
    "lengths": (fuzz_texts.lengths, 60),
    "moments": (fuzz_texts.moments, 60),
    "options": (fuzz_texts.options, 40),
    "requests": (fuzz_events.requests, 4),
    "statements": (fuzz_texts.statements, 1),
    "process_logs": (fuzz_texts.process_logs, 4),
    "registered": (fuzz_models.registered, 1),
}
"""Readers by their names, and how many inputs each gets for one of the slowest."""
