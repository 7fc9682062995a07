"""Text from data in Markdown: every character stands for itself."""

from __future__ import annotations

import re

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=&@])")
_LINK = re.compile(r"https?:(?=//)|www(?=\.)|@(?=[-\w]+\.)", re.IGNORECASE)
_JOINER = "\u2060"  # a word joiner: it is not seen, and breaks nothing but the pattern of an address
_WITHIN = re.compile(  # what is markup in the midst of a line: not the colon of 10:30, nor the @ of events@2
    r"([\\`*_\[\]<>#|~$&]|(?<!\d):(?=\S)|:(?=[^\s\d])|@(?!\d+(?![\d.]))|(?<=[wW]{3})\.)"
)
_FIRST = re.compile(r"^([-+=](?=\s|$)|\d+(?=[.)](?:\s|$)))")  # what would begin a list


def plain(text: object) -> str:
    """Text for any place where Markdown is read, Streamlit's with its colours, icons and formulas too.

    Streamlit makes links of addresses after it has read the Markdown, so a backslash does not keep it from that.
    """
    line = _LINK.sub(lambda found: found[0] + _JOINER, " ".join(str(text).split()))
    return _MARKUP.sub(r"\\\1", line)


def plain_line(text: str) -> str:
    """The same for a file that people also read as it is: only what would be markup is escaped."""
    line = _WITHIN.sub(r"\\\1", " ".join(text.split()))
    found = _FIRST.match(line)
    if found is None:
        return line
    at = found.end() if found[1].isdigit() else 0
    return f"{line[:at]}\\{line[at:]}"
