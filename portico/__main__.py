"""Runs the `portico` command as `python -m portico`."""

from portico.cli import main

main()
