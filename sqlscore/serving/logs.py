"""The events of a run as lines of a log."""

from __future__ import annotations

import logging

from sqlscore.serving.notices import Event, Retrying, RunEnded, StepEnded

LOG = logging.getLogger("sqlscore.serve")


def log_event(event: Event) -> None:
    """Write one line for an event that a reader of the log should know of."""
    if isinstance(event, Retrying):
        LOG.warning("%s %s failed, again in %.1f s: %s", event.kind, event.target, event.seconds, event.error)
    elif isinstance(event, StepEnded):
        if event.outcome != "ok":
            level = logging.ERROR if event.outcome == "failed" else logging.WARNING
            what = f"{event.kind} {event.target} {event.outcome}{_tries(event)}"
            LOG.log(level, "%s: %s", what, event.error)
        elif event.kind != "policy" or event.result["reason"] is not None:
            LOG.info("%s %s: %s, %.1f s", event.kind, event.target, _in_words(event), event.seconds)
            for level, key in ((logging.WARNING, "warnings"), (logging.INFO, "notes")):
                for what in event.result.get(key, ()):
                    LOG.log(level, "%s %s: %s", event.kind, event.target, what)
    elif isinstance(event, RunEnded) and event.outcome != "ok":
        LOG.warning("run %s after %.1f s", event.outcome, event.seconds)


def _tries(step: StepEnded) -> str:
    return f" after {step.retries + 1} attempts" if step.retries else ""


def _in_words(step: StepEnded) -> str:
    result = step.result
    if step.kind == "refresh":
        return f"{result['tables']['scored_users']:,} users by {result['model']}, {result['kind']}"
    if step.kind == "publish":
        return f"{sum(table['rows'] for table in result['tables'].values()):,} rows of {len(result['tables'])} tables"
    if step.kind == "report":
        return f"{result['bytes']:,} bytes"
    if step.kind == "policy":
        return f"training again, since {result['reason']}"
    if step.kind == "retrain":
        verdict = "is champion" if result["promoted"] else f"is worse than {result['before']} and stays aside"
        return (
            f"{result['model']} {verdict} (log loss {result['log_loss']:.3f}, before {result['log_loss_before']:.3f})"
        )
    return f"{result['nodes']} models and tests"
