"""Lists and searches: their queries and plans."""
