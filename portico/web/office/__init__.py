"""Pages of the office, for staff."""
