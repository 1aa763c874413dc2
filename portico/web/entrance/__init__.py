"""Public pages of a practice's portal: requesting a link, signing in, help."""
