"""Endpoints for machines: health checks and webhooks."""
