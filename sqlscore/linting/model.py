"""What rules look at: the outputs of a text with their leaks, and what else was seen in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlscore.linting.catalog import Catalog
from sqlscore.linting.observations import Observations
from sqlscore.linting.sequences import ScoreLeak
from sqlscore.linting.verdicts import Judged, Leak


@dataclass(frozen=True)
class Model:
    """A text that was read.

    Attributes:
        catalog: what the file has.
        seen: what the reading noted.
        outputs: the rows that the text gives, judged.
        scores: what calls of scoring functions read too late.
        trained: until when each model learned, in seconds since 1970, by its name; the champion is "".
    """

    catalog: Catalog
    seen: Observations
    outputs: tuple[Judged, ...]
    scores: tuple[ScoreLeak, ...]
    trained: dict[str, float]

    def leaks(self, *kinds: str) -> Iterator[Leak]:
        """Leaks of outputs that came about in one of these ways, one a column."""
        for output in self.outputs:
            done: set[tuple[str, str]] = set()
            for leak in sorted(output.leaks, key=lambda one: (one.future, one.kind)):
                if leak.kind in kinds and (leak.column, leak.kind) not in done:
                    done.add((leak.column, leak.kind))
                    yield leak

    def fed(self, *kinds: str) -> Iterator[ScoreLeak]:
        """Likewise of what scores are given."""
        for leak in self.scores:
            if leak.kind in kinds:
                yield leak
