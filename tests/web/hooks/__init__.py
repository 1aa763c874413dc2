"""Tests of health checks and webhooks."""
