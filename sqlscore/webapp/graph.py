"""The graph of transitions in the DOT language of Graphviz."""

from __future__ import annotations

from typing import Any

_MOST = 40  # arrows
_LEAST = 0.05  # probability of an arrow


def dot(transitions: list[dict[str, Any]]) -> str:
    """The text of a graph: an arrow for each transition that is likely enough, wider if it is likelier.

    transitions: rows of `sqlscore.transitions`.
    """
    likely = sorted((row for row in transitions if row["probability"] >= _LEAST), key=lambda row: -row["n_transitions"])
    names = list(dict.fromkeys(name for row in likely[:_MOST] for name in (row["action"], row["next_action"])))
    nodes = [f"  n{place} [label={_quoted(name)}];" for place, name in enumerate(names)]
    arrows = [
        f"  n{names.index(row['action'])} -> n{names.index(row['next_action'])} "
        f'[label="{row["probability"]:.0%}", penwidth={0.5 + 4 * row["probability"]:.2f}];'
        for row in likely[:_MOST]
    ]
    boxes = '  node [shape=box, style=rounded, fontname="sans-serif", fontsize=11];'
    lines = '  edge [fontsize=9, color="#0072B2"];'
    return "\n".join(["digraph {", "  rankdir=LR;", boxes, lines, *nodes, *arrows, "}"])


def _quoted(text: str) -> str:
    """A label in which every character stands for itself: in DOT a backslash would begin an escape."""
    line = " ".join(text.split())
    return '"' + line.replace("\\", "\\\\").replace('"', '\\"') + '"'
