"""Tests of reminders of unpaid bills."""
