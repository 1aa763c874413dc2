"""The rows of very large practices, made in bulk."""
