"""Tests of the getting-started guide and the invitation letter."""
