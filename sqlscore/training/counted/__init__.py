"""A model in seconds: counts and tables of all events, calibrated on a later part, and nothing learned by steps."""
