"""Ragged arithmetic: sequences of different lengths end to end, without padding."""
