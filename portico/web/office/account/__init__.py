"""Pages of a staff member's own account."""
