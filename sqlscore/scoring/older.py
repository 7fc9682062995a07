"""Modules of artifacts of format 1 and 2, called as those of this format are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from sqlscore.scoring.batch import Batch


class OlderModule:
    """A module whose methods take the six tensors of a batch one by one; it has no method that the module lacks."""

    _OLD_NAMES = {"churn_summary": "standing", "churn_from_summary": "churn_standing"}  # noqa: RUF012
    _TAKE_BATCH = ("encode", "encode_each", "attention")

    def __init__(self, module: Any) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._module, self._OLD_NAMES.get(name, name))
        if name not in self._TAKE_BATCH:
            return method

        def spread(batch: Batch, *states: torch.Tensor | None) -> Any:
            return method(*batch, *states)

        return spread
