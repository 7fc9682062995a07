"""States of sequences that were scored a moment ago, by content."""
