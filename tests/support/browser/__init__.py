"""Chromium for tests, with the steps that many browser tests share."""
