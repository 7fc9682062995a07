"""Encoders: one architecture a file, from the inputs of a sequence's events to its state."""
