"""The events that training reads: log, split, targets, labels and windows."""
