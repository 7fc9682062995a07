"""Events -> a trained, calibrated, evaluated artifact."""
