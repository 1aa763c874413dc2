"""Servers for tests: stand-ins on loopback, and real mail servers and scanners."""
