"""What a practice is and how it takes cards."""
