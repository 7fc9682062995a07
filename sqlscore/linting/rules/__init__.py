"""The rules: each is a function of what was read, and says what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlscore.linting.findings import Finding
from sqlscore.linting.model import Model
from sqlscore.linting.rules.as_of import as_of
from sqlscore.linting.rules.asof_direction import asof_direction
from sqlscore.linting.rules.current_attribute import current_attribute
from sqlscore.linting.rules.evaluated_by_user import evaluated_by_user
from sqlscore.linting.rules.future_frame import future_frame
from sqlscore.linting.rules.label_in_feature import label_in_feature
from sqlscore.linting.rules.last_without_bound import last_without_bound
from sqlscore.linting.rules.multiplied_rows import multiplied_rows
from sqlscore.linting.rules.newest_row import newest_row
from sqlscore.linting.rules.overlapping_windows import overlapping_windows
from sqlscore.linting.rules.random_split import random_split
from sqlscore.linting.rules.score_in_training import score_in_training
from sqlscore.linting.rules.session_from_later import session_from_later
from sqlscore.linting.rules.unbounded_join import unbounded_join
from sqlscore.linting.rules.undecided_order import undecided_order
from sqlscore.linting.rules.wall_clock import wall_clock
from sqlscore.linting.rules.whole_table import whole_table

Rule = Callable[[Model], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    future_frame,
    label_in_feature,
    overlapping_windows,
    as_of,
    wall_clock,
    unbounded_join,
    asof_direction,
    whole_table,
    current_attribute,
    last_without_bound,
    newest_row,
    random_split,
    score_in_training,
    evaluated_by_user,
    session_from_later,
    undecided_order,
    multiplied_rows,
)

NAMES: tuple[str, ...] = tuple(rule.__name__.replace("_", "-") for rule in RULES)
"""As findings and comments name them."""
