"""A staff member's own account pages."""
