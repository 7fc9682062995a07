"""The verbs of the public API, one file each: signature, checks, transaction and record, one call of an engine."""
