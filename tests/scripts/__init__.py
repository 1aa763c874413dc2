"""Tests of the scripts, and of the documentation they check."""
