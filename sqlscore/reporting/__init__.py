"""What a model shows of itself: plots, runs tracked in MLflow, a page to send around."""
