"""Runs in MLflow: parameters, figures, plots and the model itself."""
