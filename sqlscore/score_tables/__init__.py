"""The tables of scores: filled anew, brought up to date, or under the user's own names."""
