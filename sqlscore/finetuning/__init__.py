"""A head for a label that SQL expresses, learned on the states of a model that stays as it is."""
