"""How good a model is: metrics, baselines, and a verdict in words."""
