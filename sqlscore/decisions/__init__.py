"""From scores to decisions and back: what to do for whom, who was assigned to it, and what came of it."""
