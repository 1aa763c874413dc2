"""A module for each command; `portico create-practice` runs create_practice."""
