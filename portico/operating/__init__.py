"""Running Portico: its commands, backups, seed files and the demo."""
