"""From examples to weights: loops, losses, calibration and the last stages."""
