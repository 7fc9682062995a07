"""How much can be scored so quickly that nobody notices: learned from the batches that were scored."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

QUICK = 0.02  # seconds for which an event loop may do nothing else
_MOST_KEYS = 256


class Pace:
    """For each kind of batch the size up to which it is quick, as far as that is known; say, its sequences and events.

    It doubles with a batch that was quick, and halves with one that was not, as the window of TCP does. A kind that is
    new, whose model may have to be read first, is not quick.
    """

    def __init__(self) -> None:
        """Nothing is known."""
        self._sizes: OrderedDict[Hashable, int] = OrderedDict()

    def is_quick(self, key: Hashable, size: int) -> bool:
        """Whether a batch of this kind takes no longer than QUICK, as far as can be told."""
        return size <= self._sizes.get(key, -1)

    def took(self, key: Hashable, size: int, seconds: float) -> None:
        """A batch of this kind was scored."""
        before = self._sizes.pop(key, -1)
        self._sizes[key] = max(before, 2 * size) if seconds <= QUICK else min(before, size // 2)
        if len(self._sizes) > _MOST_KEYS:
            self._sizes.popitem(last=False)
