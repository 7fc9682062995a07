"""Exports of well-known tools: how each is read, which rows of it are events, and whose; one file a format."""
