"""What stands in the plugin's config, in the forms that YAML and variables of dbt give it."""

from __future__ import annotations

from sqlscore.events.attached import named


def attached_by(databases: object) -> dict[str, str]:
    """Where databases are by name; a dict, or NAME=WHERE, one or a list."""
    if isinstance(databases, dict):
        return {str(name): str(where) for name, where in databases.items()}
    texts = [databases] if isinstance(databases, str) else databases if isinstance(databases, list | tuple) else []
    return dict(named(str(text)) for text in texts if text)


def names_in(features: object) -> list[str]:
    """A list of columns, or text that separates them by commas, as a variable on the command line is."""
    if isinstance(features, str):
        return [name.strip() for name in features.split(",") if name.strip()]
    return [str(name) for name in features] if isinstance(features, list | tuple) else []


def lines_in(texts: object) -> list[str]:
    """A list of texts, or a text with one in each line."""
    if isinstance(texts, str):
        return [line.strip() for line in texts.splitlines() if line.strip()]
    return [str(text) for text in texts] if isinstance(texts, list | tuple) else []
