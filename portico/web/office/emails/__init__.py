"""The Emails page and its notices."""
