"""What a user says of composed events, read beside what is there."""
