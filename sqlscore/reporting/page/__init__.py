"""A page to send around: what a file knows of its scores, as one HTML file or as Markdown."""
