"""Real web servers and workers for tests, and simulated kills."""
