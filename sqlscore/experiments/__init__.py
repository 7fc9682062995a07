"""Several trainings, or one model at several moments, judged side by side."""
