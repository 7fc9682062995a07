"""What a message quotes of a text: a line at most, however long the text is."""

from __future__ import annotations

_LONGEST = 300
"""Characters of a line of the engine's: its own sentence around a name that somebody made up."""
_OURS = "Invalid Input Error: Python exception occurred"
_CANDIDATES = 3


def excerpt(text: str, most: int = 80) -> str:
    """A text in one line of at most `most` characters, cut in the middle, as long names differ at either end."""
    line = " ".join(text.split())
    half = (most - 1) // 2
    return line if len(line) <= most else f"{line[:half]}…{line[-(most - 1 - half) :]}"


def engine_message(error: BaseException) -> str:
    """What the engine says of a statement: long names and values are cut, and few functions listed that might fit.

    What sqlscore's own functions raise inside a statement stays whole.
    """
    text = str(error).strip()
    if text.startswith(_OURS):
        return text
    lines = [line if len(line) <= _LONGEST else excerpt(line, _LONGEST) for line in text.splitlines()]
    listed = [at for at, line in enumerate(lines) if line.startswith("\t") and not line.startswith("\tCandidate ")]
    if len(listed) > _CANDIDATES:
        lines[listed[_CANDIDATES] : listed[-1] + 1] = [f"\t(and {len(listed) - _CANDIDATES:,} others)"]
    return "\n".join(lines)
