"""Whole models: an encoder with its inputs and heads, in the forms that scoring calls."""
