"""Plots of a model: one kind a function, drawn by matplotlib."""
