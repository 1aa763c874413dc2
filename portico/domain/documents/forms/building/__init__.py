"""Building a form: its items as JSON, their conditions, and the changes that staff make."""
