"""Tests of every page: permissions, escaping, malformed input, and nothing stored that should not be."""
