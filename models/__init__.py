"""Architectures and their export to TorchScript; imported by `sqlscore.training` only, never on the scoring path."""
