"""Which kind of refresh is made, and a full one where the stored states turn out to be of no use."""

from __future__ import annotations

from sqlscore.score_tables.changes import Changes
from sqlscore.score_tables.full import refresh_all
from sqlscore.score_tables.incremental import refresh_changed
from sqlscore.score_tables.run import Counts, Run
from sqlscore.score_tables.sound_states import wrong_vectors


def refresh_tables(run: Run, changes: Changes) -> tuple[Counts, str | None]:
    """Bring the tables up to date; returns what was scored, and why all users were if they were.

    Raises MappingError if the events changed while they were read.
    """
    if changes.reason is not None:
        return refresh_all(run), changes.reason
    try:
        return refresh_changed(run, changes), None
    except Exception:
        reason = wrong_vectors(run.reader, run.mapping, run.artifact)  # too many to look at them all before
        if reason is None:
            raise
    return refresh_all(run), reason  # all three tables are replaced, whatever was written to them
