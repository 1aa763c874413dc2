"""Tests of audit log entries as shown to staff."""
