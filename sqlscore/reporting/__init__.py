"""What a model shows of itself: plots, and runs tracked in MLflow."""
