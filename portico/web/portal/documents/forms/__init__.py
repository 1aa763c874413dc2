"""Forms that clients fill in: their pages, saving them, and the review."""
