"""Why a score is what it is: Shapley values over the events of a sequence."""
