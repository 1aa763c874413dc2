"""Running Portico: its commands, and the demo's supervisor."""
