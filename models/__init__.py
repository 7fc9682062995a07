"""Architectures, how a model of one is stored, and how it is loaded again: `loading` is what scoring comes through."""
