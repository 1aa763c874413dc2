#!/usr/bin/env python
"""The same commands as `portico`, for who is used to manage.py."""

from portico.cli import main

if __name__ == "__main__":
    main()
