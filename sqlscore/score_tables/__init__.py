"""The tables of scores: refreshed in full or incrementally, or made under names that the user chooses."""
